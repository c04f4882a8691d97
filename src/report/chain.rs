//! The sentences about incidents that one may belong to.

use super::json::shape::Chain;
use crate::model::Span;

/// What leads to an incident, and what follows from it; empty where nothing does.
pub fn told(chain: &Chain) -> String {
    let reached = chain.reached_in.iter().map(|reached| {
        let when = match reached.before_ns {
            Some(before) => format!("{} before the first step here", Span(before).told()),
            None => "before or after the first step here: the clocks leave that open".to_owned(),
        };
        format!("incident {} ({when})", reached.number)
    });
    let onward = chain.source_of.iter().map(|n| format!("incident {n}"));
    let more = if chain.more {
        ", and maybe in more"
    } else {
        ""
    };
    let said = [
        ("the source was reached in", reached.collect::<Vec<_>>()),
        ("what was reached is the source in", onward.collect()),
    ];
    let said = said
        .into_iter()
        .filter(|(_, incidents)| !incidents.is_empty());
    let said = said.map(|(what, incidents)| format!("{what} {}", incidents.join(", ")));
    match said.collect::<Vec<_>>().join("; ") {
        all if all.is_empty() => all,
        all => all + more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::json::shape::Reached;

    #[test]
    fn both_directions_are_told_and_an_open_order_is_said() {
        let reached = |number, before_ns| Reached { number, before_ns };
        let mut chain = Chain {
            reached_in: vec![reached(1, Some(71_063_000_000)), reached(3, None)],
            source_of: Vec::new(),
            more: false,
        };
        let before = "the source was reached in incident 1 (71.063 s before the first step here), incident 3 \
                      (before or after the first step here: the clocks leave that open)";
        assert_eq!(told(&chain), before);
        chain.source_of = vec![4, 5];
        chain.more = true;
        let after = "what was reached is the source in incident 4, incident 5, and maybe in more";
        assert_eq!(told(&chain), format!("{before}; {after}"));
        chain.reached_in.clear();
        assert_eq!(told(&chain), after);
        chain.source_of.clear();
        assert_eq!(told(&chain), "");
    }
}
