//! The sentences for what hosts say on their own segment.

use super::{Form, count, name};
use crate::model::Timestamp;
use crate::model::neighbour::{Heard, Neighbour, Solicitation};
use crate::model::net::mac_text;

pub(super) fn announced(neighbour: &Neighbour) -> String {
    let who = match (&neighbour.name, neighbour.mac) {
        (Some(said), Some(mac)) => format!("{} at {}", name(said), mac_text(mac)),
        (Some(said), None) => name(said),
        (None, Some(mac)) => mac_text(mac),
        (None, None) => "somebody".to_owned(),
    };
    let by = neighbour.told_by.protocol();
    format!("{who} announces {} ({by})", neighbour.address)
}

/// `first` is the recorded time of the first request.
pub(super) fn asked(asked: &Solicitation, first: Timestamp, form: Form) -> String {
    let by = asked.told_by.protocol();
    let mut text = match form {
        Form::Short => format!("asks for {} ({by})", asked.target),
        Form::Long => {
            let mac = asked
                .asker_mac
                .map(|mac| format!(" at {}", mac_text(mac)))
                .unwrap_or_default();
            format!("{}{mac} asks for {} ({by})", asked.asker, asked.target)
        }
    };
    text.push_str(&match asked.outcome {
        Heard::Answered(Some(mac)) => format!(", answered by {}", mac_text(mac)),
        Heard::Answered(None) => ", answered".to_owned(),
        Heard::Unanswered => ", no answer".to_owned(),
        Heard::ReplyNotVisible => {
            ", no answer captured where none may be visible to the sensor".to_owned()
        }
        Heard::CutShort => ", the capture ends before an answer was due".to_owned(),
    });
    if form == Form::Long && matches!(asked.outcome, Heard::Answered(_)) {
        text.push_str(&format!(" after {}", asked.decided.since(first)));
    }
    if asked.tries > 1 {
        text.push_str(&format!(", {} tries", count(asked.tries.into())));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::neighbour::ToldBy;

    #[test]
    fn a_missing_answer_is_told_apart_from_an_invisible_one() {
        let told = |outcome| {
            let asked = Solicitation {
                asker_mac: Some([2, 0, 0, 0, 0, 5]),
                asker: "10.0.0.5".parse().unwrap(),
                target: "10.0.0.77".parse().unwrap(),
                told_by: ToldBy::Arp,
                tries: 3,
                last_try: Timestamp(2_000_000_000),
                outcome,
                decided: Timestamp(400_000),
                deciding: None,
                vlan: None,
                actor: None,
            };
            super::asked(&asked, Timestamp(0), Form::Long)
        };
        let asks = "10.0.0.5 at 02:00:00:00:00:05 asks for 10.0.0.77 (ARP)";
        assert_eq!(
            told(Heard::Unanswered),
            format!("{asks}, no answer, 3 tries")
        );
        assert_eq!(
            told(Heard::ReplyNotVisible),
            format!("{asks}, no answer captured where none may be visible to the sensor, 3 tries")
        );
        assert_eq!(
            told(Heard::Answered(Some([2, 0, 0, 0, 0, 7]))),
            format!("{asks}, answered by 02:00:00:00:00:07 after 0.000400 s, 3 tries")
        );
    }
}
