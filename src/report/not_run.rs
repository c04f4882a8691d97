//! Which analytics were left out of a run. Who reads "no incident found" must see who did not look.

use crate::analytics::register;

/// `Only XDR-FC was asked for: AN0842, AN1057, AN1376, AN1448 did not look at this evidence.` `None` if all
/// that there are ran.
pub fn not_run<'a>(ran: impl Iterator<Item = &'a str>) -> Option<String> {
    let ran: Vec<&str> = ran.collect();
    let all = register::all();
    let left: Vec<&str> = all
        .iter()
        .map(|entry| entry.about().id)
        .filter(|id| !ran.contains(id))
        .collect();
    let were = if ran.len() == 1 { "was" } else { "were" };
    (!left.is_empty()).then(|| {
        format!(
            "Only {} {were} asked for: {} did not look at this evidence.",
            ran.join(", "),
            left.join(", ")
        )
    })
}

/// What a report that found nothing begins with; where analytics were left out, it says who looked.
pub fn nothing_found<'a>(ran: impl Iterator<Item = &'a str> + Clone) -> String {
    let by = match not_run(ran.clone()) {
        Some(_) => format!(" by {}", ran.collect::<Vec<_>>().join(", ")),
        None => String::new(),
    };
    format!("NO INCIDENT FOUND{by} in this evidence with these settings.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_did_not_look_is_named() {
        let all = register::all();
        assert_eq!(not_run(all.iter().map(|entry| entry.about().id)), None);
        let told = not_run(["AN0842", "AN1448"].into_iter()).unwrap();
        assert!(told.starts_with("Only AN0842, AN1448 were asked for: AN1057,"));
        let none = nothing_found(["AN0842", "AN1448"].into_iter());
        assert!(none.contains("FOUND by AN0842, AN1448 in"), "{none}");
        assert!(
            not_run(["XDR-FC"].into_iter())
                .unwrap()
                .contains(" was asked for: AN0842")
        );
    }
}
