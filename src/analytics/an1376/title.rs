//! The sentence that says what a finding found.

use super::judge::Judged;
use super::lineage::Link;
use super::signs::SignKind;
use crate::analytics::kit::picture::host_words;
use crate::context::{Context, Place};

fn process_name(who: &super::who::Who) -> String {
    if who.known() {
        who.file_name().to_owned()
    } else {
        "an unknown process".to_owned()
    }
}

/// One sentence: what became of the old channel, and what came then.
pub fn title(place: Place, told: &Judged, after: &[Judged], context: &Context) -> String {
    let host = host_words(place, context);
    let (old, new) = (&told.waiting.old, &told.waiting.new);
    use SignKind::{BlockedHost, Containment, Name, Reset, Rule, Silence, Unreachable};
    let disrupted = match told.signs.first().map(|sign| (sign.kind, sign.strong)) {
        Some((BlockedHost, _)) => "was blocked by the host's firewall",
        // What was blocked is told as such; see `BlockedHost`.
        Some((Rule, true)) => "fell silent after a new rule that blocks it",
        Some((Rule, false)) => "may have been blocked by a new rule",
        Some((Reset, _)) => "was reset while in use",
        Some((Unreachable, _)) => "stopped working",
        Some((Name, true)) => "lost its name",
        Some((Name, false)) => "had its name answered with a private address",
        Some((Containment, true)) => "stopped at the stated containment",
        Some((Containment, false)) => "was to stop at the stated containment",
        Some((Silence, _)) | None => "fell silent",
    };
    let who = match told.waiting.link {
        Link::SameInstance => format!("the same process ({})", process_name(&new.who)),
        Link::SameProgram => format!("another process of {}", process_name(&new.who)),
        Link::Kin => format!("a relative of the process ({})", process_name(&new.who)),
        Link::Injected => format!(
            "{}, into which the process had reached,",
            process_name(&new.who)
        ),
        Link::SameServer if new.who.known() => {
            format!(
                "another process ({}) for the same server",
                process_name(&new.who)
            )
        }
        Link::Stranger => format!(
            "another process ({}), which no record ties to it,",
            process_name(&new.who)
        ),
        Link::SameServer => "something on the host, for the same server,".to_owned(),
        Link::Host => "something on the host".to_owned(),
    };
    let did = match (told.new.worked > 0, told.waiting.link) {
        (true, Link::Stranger) => "used",
        (true, _) => "went on over",
        (false, _) => "tried",
    };
    let more = others(told, after);
    // The last sign may be another one than the first, which is named.
    let named = told
        .signs
        .first()
        .map(|sign| told.waiting.at.since(sign.at));
    let later = match named == Some(told.after) {
        true => "later",
        false => "after the last sign of it",
    };
    format!(
        "{host}: the channel of {} to {} {disrupted}; {} {later} {who} {did} {}{more}",
        process_name(&old.who),
        old.words(),
        told.after,
        new.words()
    )
}

/// The other new channels of the process, those that worked apart from those of which that is not known.
fn others(told: &Judged, after: &[Judged]) -> String {
    let more = |n: usize| match n {
        0 => String::new(),
        1 => " and one more channel".to_owned(),
        n => format!(" and {n} more channels"),
    };
    let others = after.get(1..).unwrap_or_default();
    let worked = others.iter().filter(|one| one.new.worked > 0).count();
    match (others.len() - worked, worked, told.new.worked) {
        (0, worked, _) => more(worked),
        (tried, 0, 0) => more(tried),
        (1, worked, _) => format!("{}, and tried one more", more(worked)),
        (tried, worked, _) => format!("{}, and tried {tried} more", more(worked)),
    }
}
