//! What must hold for every clock: what is measured contains the truth, or nothing is measured.

use super::fit::Grain;
use super::measure::{Measured, Undetermined, measure, zone_error};
use super::sample::Sight;
use crate::model::{Span, Timestamp};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_700_000_000 * SECOND;

/// A small generator of its own, so that a case is named by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((x ^ x >> 31) as i64).rem_euclid(below.max(1))
    }
}

/// A clock under test.
#[derive(Clone, Debug)]
struct Truth {
    offset: i64,
    /// Nanoseconds a second.
    drift: i64,
    /// Moment on the reference and size.
    step: Option<(i64, i64)>,
    anchors: usize,
    span: i64,
    wrong: usize,
    floor: bool,
    seed: u64,
}

impl Truth {
    fn ahead(&self, at: i64) -> i64 {
        let drifted = i128::from(at - START) * i128::from(self.drift) / 1_000_000_000;
        let stepped = self
            .step
            .filter(|(when, _)| at >= *when)
            .map_or(0, |(_, size)| size);
        self.offset + drifted as i64 + stepped
    }

    /// What both sides saw: the host's rows come 0 to 3 ms after the packet.
    fn sights(&self) -> (Vec<Sight>, Vec<Sight>) {
        let mut dice = Dice(self.seed);
        let (mut clock, mut wire) = (Vec::new(), Vec::new());
        for i in 0..self.anchors {
            let at = START + dice.roll(self.span);
            let key = dice.roll(i64::MAX) as u64;
            let mut shown = at + self.ahead(at) + dice.roll(3_000_000);
            if i < self.wrong {
                shown += dice.roll(40_000 * SECOND) - 20_000 * SECOND;
            }
            if self.floor {
                shown = shown.div_euclid(SECOND) * SECOND;
            }
            clock.push(Sight {
                key,
                time: Timestamp(shown),
                from: 0,
            });
            wire.push(Sight {
                key,
                time: Timestamp(at),
                from: 1,
            });
        }
        clock.sort_unstable();
        wire.sort_unstable();
        (clock, wire)
    }

    fn measured(&self) -> Result<Measured, Undetermined> {
        let (clock, wire) = self.sights();
        measure(&clock, &wire, &[])
    }

    /// Holds what was measured against the truth, all over the stretch and beyond it.
    fn check(&self, measured: &Measured) {
        for i in -5..=25 {
            let at = START + self.span / 20 * i;
            if self
                .step
                .is_some_and(|(when, _)| (at - when).abs() < self.span / 10)
            {
                continue;
            }
            let ahead = self.ahead(at);
            let shown = Timestamp(at + ahead);
            let (piece, doubt) = measured.piece_at(shown, None, 0);
            let (offset, uncertainty) = measured.at(piece, shown);
            let off = (offset.0 - ahead).abs();
            assert!(
                off <= uncertainty.plus(doubt).0,
                "at {i}/20: {offset} ± {uncertainty} (doubt {doubt}) but truly {}; {measured:?}",
                Span(ahead)
            );
        }
    }
}

fn truth() -> impl Strategy<Value = Truth> {
    (
        -3_600 * SECOND..=3_600 * SECOND,
        -50_000..=50_000i64,
        20..300usize,
        prop_oneof![
            Just(300 * SECOND),
            Just(4_000 * SECOND),
            Just(30_000 * SECOND),
            Just(86_400 * SECOND)
        ],
        any::<bool>(),
        any::<u64>(),
    )
        .prop_map(|(offset, drift, anchors, span, floor, seed)| Truth {
            offset,
            drift,
            step: None,
            anchors,
            span,
            wrong: anchors / 20,
            floor,
            seed,
        })
}

/// A false pair lies where a drifting clock will be hours later, and the last true ones are nearer to it than
/// to those before them.
#[test]
fn a_false_pair_ahead_of_a_drift_does_not_undo_the_measure() {
    let truth = Truth {
        offset: 0,
        drift: -47_681,
        step: None,
        anchors: 280,
        span: 86_400 * SECOND,
        wrong: 14,
        floor: false,
        seed: 198_450_613_081_354_460,
    };
    truth.check(&truth.measured().unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_offset_with_drift_is_recovered_within_its_uncertainty(truth in truth()) {
        let measured = truth.measured().unwrap();
        truth.check(&measured);
        let most = measured.segments.iter().max_by_key(|s| s.anchors).unwrap();
        let fine = Span::millis(if truth.floor { 1_600 } else { 200 });
        prop_assert!(most.uncertainty < fine && measured.uncertainty < Span::seconds(2), "{measured:?}");
    }

    #[test]
    fn a_step_is_recovered_and_not_averaged(
        mut truth in truth(),
        place in 3..=7i64,
        size in prop_oneof![-7_200 * SECOND..=-2 * SECOND, 2 * SECOND..=7_200 * SECOND],
    ) {
        truth.anchors = truth.anchors.max(60);
        truth.span = truth.span.max(4_000 * SECOND);
        truth.wrong = truth.anchors / 20;
        truth.step = Some((START + truth.span / 10 * place, size));
        let measured = truth.measured().unwrap();
        prop_assert!(measured.segments.len() > 1);
        truth.check(&measured);
    }

    #[test]
    fn large_offsets_are_found_without_a_hint(
        mut truth in truth(),
        offset in prop_oneof![
            (-19..=19i64).prop_map(|h| h * 3_600 * SECOND),
            (-80..=80i64).prop_map(|q| q * 900 * SECOND),
            -6 * 86_400 * SECOND..=6 * 86_400 * SECOND,
        ],
    ) {
        truth.offset = offset;
        let measured = truth.measured().unwrap();
        truth.check(&measured);
        if offset % (900 * SECOND) == 0 && truth.drift == 0 && !truth.floor {
            prop_assert_eq!(measured.zone_error, (offset != 0).then_some(Span(offset)));
        }
    }

    #[test]
    fn few_anchors_are_right_or_refused(mut truth in truth(), anchors in 0..8usize) {
        truth.anchors = anchors;
        truth.wrong = 0;
        match truth.measured() {
            Ok(measured) => {
                prop_assert!(anchors >= 3);
                truth.check(&measured);
            }
            Err(why) => prop_assert!(anchors < 3 || why != Undetermined::NothingShared, "{why:?}"),
        }
    }

    #[test]
    fn two_unrelated_runs_are_refused(seed in any::<u64>(), shared in 1..400usize, reach in 60..90_000i64) {
        let mut dice = Dice(seed);
        let mut side = |offset: i64| -> Vec<Sight> {
            let mut sights: Vec<Sight> = (0..shared as u64)
                .map(|key| Sight { key, time: Timestamp(START + offset + dice.roll(reach * SECOND)), from: 0 })
                .collect();
            sights.sort_unstable();
            sights
        };
        let (a, b) = (side(0), side(7_000 * SECOND));
        prop_assert!(measure(&a, &b, &[]).is_err());
    }

    /// Ephemeral ports are handed out in order, so that the same script run twice uses the same
    /// ones in the same order, at a like pace.
    #[test]
    fn two_runs_of_one_script_are_refused(seed in any::<u64>(), shared in 3..200usize, pause in 2..120i64) {
        let mut dice = Dice(seed);
        let mut side = || -> Vec<Sight> {
            let mut at = START;
            (0..shared as u64)
                .map(|key| {
                    at += pause * SECOND + dice.roll(pause * SECOND);
                    Sight { key, time: Timestamp(at), from: 0 }
                })
                .collect()
        };
        let (a, b) = (side(), side());
        prop_assert!(measure(&a, &b, &[]).is_err());
    }

    #[test]
    fn hostile_times_neither_panic_nor_hang(
        clock in proptest::collection::vec((0..40u64, any::<i64>()), 0..300),
        wire in proptest::collection::vec((0..40u64, any::<i64>()), 0..300),
        at in any::<i64>(),
    ) {
        let sights = |of: Vec<(u64, i64)>| {
            let mut sights: Vec<Sight> =
                of.into_iter().map(|(key, t)| Sight { key, time: Timestamp(t), from: 0 }).collect();
            sights.sort_unstable();
            sights
        };
        if let Ok(measured) = measure(&sights(clock), &sights(wire), &[]) {
            let (piece, _) = measured.piece_at(Timestamp(at), None, 0);
            let _ = measured.at(piece, Timestamp(at));
        }
    }

    #[test]
    fn what_is_measured_does_not_depend_on_who_is_asked_twice(truth in truth()) {
        prop_assert_eq!(truth.measured(), truth.measured());
    }
}

#[test]
fn only_multiples_of_fifteen_minutes_are_zone_errors() {
    let ms = Span::millis;
    assert_eq!(zone_error(ms(-18_000_003)), Some(ms(-18_000_000)));
    assert_eq!(zone_error(ms(20_701_900)), Some(ms(20_700_000)));
    for plain in [0, 1_842, -1_999, 18_003_000, 450_000] {
        assert_eq!(zone_error(ms(plain)), None, "{plain}");
    }
    assert_eq!(zone_error(Span(i64::MAX)), zone_error(Span(i64::MAX)));
}

#[test]
fn a_hundred_thousand_anchors_with_as_many_wrong_ones_are_no_burden() {
    let many = Truth {
        offset: 5 * SECOND,
        drift: 20_000,
        step: None,
        anchors: 100_000,
        span: 86_400 * SECOND,
        wrong: 30_000,
        floor: false,
        seed: 1,
    };
    many.check(&many.measured().unwrap());
    assert!(
        Grain {
            clock: SECOND,
            reference: 0
        }
        .is_coarse()
    );
}

#[test]
fn rows_before_the_packets_that_caused_them_make_no_measurement() {
    let measured = |early: usize| {
        let (mut clock, mut wire) = (Vec::new(), Vec::new());
        for i in 0..100_usize {
            // Not cut to anything: times that are would be taken as known to the second only.
            let at = START + i as i64 * (7 * SECOND + 1_234_567) + 89;
            let shown = if i % 10 == 3 && i / 10 < early {
                at - 80_000_000
            } else {
                at
            };
            let sight = |time, from| Sight {
                key: i as u64,
                time: Timestamp(time),
                from,
            };
            clock.push(sight(shown, 0));
            wire.push(sight(at, 1));
        }
        measure(&clock, &wire, &[])
    };
    assert!(measured(0).is_ok());
    assert!(
        measured(2).is_ok(),
        "two in a hundred may have another cause"
    );
    assert_eq!(measured(5), Err(Undetermined::BeforeCause));
}

#[test]
fn a_drift_is_shown_though_the_median_slope_contradicts_a_bound() {
    let truth = Truth {
        offset: -267_181_351_583,
        drift: 22_119,
        step: None,
        anchors: 54,
        span: 86_400 * SECOND,
        wrong: 2,
        floor: true,
        seed: 8_554_415_735_165_572_999,
    };
    let measured = truth.measured().unwrap();
    truth.check(&measured);
    assert_ne!(measured.drift, 0, "{measured:?}");
    assert!(measured.uncertainty < Span::millis(1_600), "{measured:?}");
}

#[test]
fn a_false_pair_on_the_line_of_a_piece_does_not_stretch_it() {
    let truth = Truth {
        offset: 0,
        drift: 0,
        step: Some((START + 1_200 * SECOND, -3_603_677_831_042)),
        anchors: 60,
        span: 4_000 * SECOND,
        wrong: 3,
        floor: true,
        seed: 5_927_285_306_759_679_444,
    };
    truth.check(&truth.measured().unwrap());
}

#[test]
fn a_drift_of_cut_times_is_no_surer_than_its_slope() {
    let truth = Truth {
        offset: -1_781_684_948_601,
        drift: -23_932,
        step: Some((START + 12_000 * SECOND, 4_753_931_573_984)),
        anchors: 180,
        span: 30_000 * SECOND,
        wrong: 9,
        floor: true,
        seed: 9_789_342_103_695_012_987,
    };
    truth.check(&truth.measured().unwrap());
}

#[test]
fn three_of_seven_that_agree_by_chance_are_not_one_run() {
    let sight = |key: u64, milliseconds: i64| Sight {
        key,
        time: Timestamp(START + key as i64 * 9 * SECOND + milliseconds * 1_000_000 + 89),
        from: 0,
    };
    let ahead = [2_167, 2_116, 2_102, 2_504, 1_832, 2_789, 3_082];
    let clock: Vec<Sight> = (0..).zip(ahead).map(|(key, by)| sight(key, by)).collect();
    let wire: Vec<Sight> = (0..7).map(|key| sight(key, 0)).collect();
    assert_eq!(measure(&clock, &wire, &[]), Err(Undetermined::NotOneRun));
}

/// Cut times scatter over more than a second: the votes of one clock may string into two tracks side by
/// side, whose middles a drift moves further apart.
#[test]
fn a_coarse_clock_that_gains_is_one_clock() {
    for offset in [0, -96_687_338_116_520, -450_036 * SECOND] {
        let truth = Truth {
            offset,
            drift: -43_236,
            step: None,
            anchors: 180,
            span: 86_400 * SECOND,
            wrong: 9,
            floor: true,
            seed: 12_491_549_673_468_702_150,
        };
        truth.check(&truth.measured().unwrap());
    }
}

#[test]
fn three_pairs_show_no_drift() {
    let truth = Truth {
        offset: 0,
        drift: -15_778,
        step: None,
        anchors: 4,
        span: 300 * SECOND,
        wrong: 0,
        floor: false,
        seed: 13_950_698_156_695_779_165,
    };
    truth.check(&truth.measured().unwrap());
}
