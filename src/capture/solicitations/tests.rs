//! What is followed of the questions to a segment, and what is told of it.

use super::*;
use crate::capture::attempts::wire::at_ms;

const ASKER: &str = "10.0.0.5";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

enum Say {
    Ask(&'static str),
    Answer(&'static str),
    Packet(&'static str),
}
use Say::{Answer as Replies, Ask as Asks, Packet as PacketTo};

/// (target, tries, outcome, decided in ms) of each solicitation, for what was said at which ms.
fn told(said: &[(i64, Say)], end_ms: i64) -> Vec<(String, u32, Heard, i64)> {
    let mut machine = Solicitations::default();
    let mut events = Vec::new();
    let mut out = |event| events.push(event);
    for (number, (ms, say)) in (1..).zip(said) {
        let packet = at_ms(*ms, number);
        let talk = |address, speech| SegmentTalk {
            mac: Some([2, 0, 0, 0, 0, 1]),
            address,
            told_by: ToldBy::Arp,
            speech,
        };
        let talk = match say {
            Asks(target) => talk(address(ASKER), Speech::Asks(address(target))),
            Replies(target) => talk(address(target), Speech::Answers(address(ASKER))),
            PacketTo(to) => {
                machine.addressed(address(to), EvidenceId(1), 0, &mut out);
                continue;
            }
        };
        machine.hear(
            EvidenceId(1),
            &packet,
            &talk,
            &Listening::default(),
            &mut out,
        );
    }
    machine.finish(
        Timestamp(end_ms * 1_000_000),
        &Listening::default(),
        &mut out,
    );
    events.sort_by_key(Event::order);
    let each = |event: &Event| {
        let What::Solicitation(asked) = &event.what else {
            panic!("{event:?}")
        };
        (
            asked.target.to_string(),
            asked.tries,
            asked.outcome,
            asked.decided.0 / 1_000_000,
        )
    };
    events.iter().map(each).collect()
}

const MAC: Heard = Heard::Answered(Some([2, 0, 0, 0, 0, 1]));

#[test]
fn repetitions_are_one_solicitation_and_copies_are_not_counted() {
    let said = [
        (0, Asks("10.0.0.7")),
        (1, Asks("10.0.0.7")),
        (1_000, Asks("10.0.0.7")),
        (2_000, Asks("10.0.0.7")),
        (2_001, PacketTo(ASKER)),
    ];
    let silent = ("10.0.0.7".to_owned(), 3, Heard::Unanswered, 5_000);
    assert_eq!(told(&said, 60_000), [silent]);
}

#[test]
fn silence_proves_nothing_where_nothing_to_the_asker_is_captured() {
    let asks = || (0, Asks("10.0.0.7"));
    let outcome = |said: &[(i64, Say)], end| told(said, end)[0].2;
    assert_eq!(outcome(&[asks()], 60_000), Heard::ReplyNotVisible);
    let to_another = [asks(), (5, PacketTo("10.0.0.9"))];
    assert_eq!(outcome(&to_another, 60_000), Heard::ReplyNotVisible);
    let later = [asks(), (90_000, PacketTo(ASKER))];
    assert_eq!(outcome(&later, 90_000), Heard::Unanswered);
    let cut = [asks(), (5, PacketTo(ASKER))];
    assert_eq!(outcome(&cut, 999), Heard::CutShort);
    let just = [asks(), (5, PacketTo(ASKER))];
    assert_eq!(outcome(&just, 1_000), Heard::Unanswered);
}

#[test]
fn an_answer_for_another_address_is_none_and_shows_that_answers_are_visible() {
    let said = [
        (0, Asks("10.0.0.7")),
        (10, Asks("10.0.0.8")),
        (11, Replies("10.0.0.8")),
    ];
    assert_eq!(
        told(&said, 60_000),
        [
            ("10.0.0.7".to_owned(), 1, Heard::Unanswered, 3_000),
            ("10.0.0.8".to_owned(), 1, MAC, 11),
        ]
    );
}

#[test]
fn an_answer_within_the_wait_counts_and_a_later_one_does_not() {
    let answered = |after| {
        let said = [(0, Asks("10.0.0.7")), (after, Replies("10.0.0.7"))];
        told(&said, 60_000)[0].2
    };
    assert_eq!(answered(3_000), MAC);
    assert_eq!(answered(3_001), Heard::Unanswered);
}

#[test]
fn an_answer_may_be_seen_shortly_before_its_question() {
    let said = |gap| {
        [
            (0, Replies("10.0.0.7")),
            (gap, Asks("10.0.0.7")),
            (30_000, Replies("10.0.0.7")),
            (30_000 + gap, Asks("10.0.0.7")),
        ]
    };
    let answered = ("10.0.0.7".to_owned(), 2, MAC, 50);
    assert_eq!(told(&said(50), 90_000), [answered]);
    let outcomes: Vec<_> = told(&said(51), 90_000).iter().map(|t| t.2).collect();
    assert_eq!(outcomes, [Heard::Unanswered]);
}

#[test]
fn answers_on_an_interface_of_their_own_are_visible() {
    let mut machine = Solicitations::default();
    let mut events = Vec::new();
    let mut out = |event| events.push(event);
    let mut say = |ms: i64, interface, address, speech| {
        let talk = SegmentTalk {
            mac: Some([2, 0, 0, 0, 0, 1]),
            address,
            told_by: ToldBy::Arp,
            speech,
        };
        let packet = Packet {
            interface,
            ..at_ms(ms, ms as u64 + 1)
        };
        let listening = Listening::default();
        machine.hear(EvidenceId(1), &packet, &talk, &listening, &mut out);
    };
    let asker = address(ASKER);
    say(0, 0, asker, Speech::Asks(address("10.0.0.7")));
    say(100, 0, asker, Speech::Asks(address("10.0.0.8")));
    say(101, 1, address("10.0.0.8"), Speech::Answers(asker));
    let end = Timestamp(60_000_000_000);
    machine.finish(end, &Listening::default(), &mut out);
    let silent = events.iter().filter(|event| {
        let What::Solicitation(asked) = &event.what else {
            panic!("{event:?}")
        };
        asked.outcome == Heard::Unanswered
    });
    assert_eq!(silent.count(), 1);
}

#[test]
fn a_neighbour_that_dies_is_a_solicitation_of_its_own() {
    let said = [
        (0, Asks("10.0.0.7")),
        (1, Replies("10.0.0.7")),
        (30_000, Asks("10.0.0.7")),
        (30_001, Replies("10.0.0.7")),
        (60_000, Asks("10.0.0.7")),
        (61_000, Asks("10.0.0.7")),
    ];
    assert_eq!(
        told(&said, 200_000),
        [
            ("10.0.0.7".to_owned(), 2, MAC, 1),
            ("10.0.0.7".to_owned(), 2, Heard::Unanswered, 64_000),
        ]
    );
}

#[test]
fn after_a_minute_of_silence_it_is_another_solicitation() {
    let said = [
        (0, Asks("10.0.0.7")),
        (60_000, Asks("10.0.0.7")),
        (120_001, Asks("10.0.0.7")),
        (120_002, PacketTo(ASKER)),
    ];
    let tries: Vec<u32> = told(&said, 300_000).iter().map(|t| t.1).collect();
    assert_eq!(tries, [2, 1]);
}

#[test]
fn a_flood_of_questions_is_told_and_not_held() {
    let mut machine = Solicitations::default();
    let mut left = 0_u32;
    for number in 0..200_000_u32 {
        let talk = SegmentTalk {
            mac: None,
            address: IpAddr::V4(number.into()),
            told_by: ToldBy::Arp,
            speech: Speech::Asks(address("10.0.0.7")),
        };
        machine.hear(
            EvidenceId(1),
            &at_ms(0, 1),
            &talk,
            &Listening::default(),
            &mut |_| left += 1,
        );
        assert!(machine.runs.len() <= MOST_RUNS && machine.unproven.len() <= MOST_ASKERS);
    }
    assert!(machine.early > 0);
    machine.finish(Timestamp(0), &Listening::default(), &mut |_| left += 1);
    assert_eq!(left, 200_000, "every question is told");
}
