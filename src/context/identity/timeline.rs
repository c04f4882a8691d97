//! Who had one thing when: claims of several owners become spans that do not overlap.
//!
//! The time between two owners is nobody's, and so is the time in which two claim at once. Before
//! the first claim and after the last the thing stays with its first and last owner, for nothing
//! speaks against it.

use super::sightings::Period;
use crate::model::Timestamp;

/// Owners of one contest that are kept.
const CONTENDERS: usize = 8;

/// A span with its owner, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held<O> {
    /// First moment; `Timestamp::MIN` if nothing earlier is known of anyone.
    pub from: Timestamp,
    /// Last moment; `Timestamp::MAX` if nothing later is known of anyone.
    pub to: Timestamp,
    /// Who.
    pub owner: O,
}

/// A span that several claim at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contest<O> {
    pub from: Timestamp,
    pub to: Timestamp,
    pub owners: Vec<O>,
}

/// The spans of one thing, in time order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timeline<O> {
    spans: Vec<Held<O>>,
}

impl<O: Copy + Ord> Timeline<O> {
    /// Owned by one, always.
    pub fn always(owner: O) -> Self {
        let (from, to) = (Timestamp::MIN, Timestamp::MAX);
        Self {
            spans: vec![Held { from, to, owner }],
        }
    }

    pub fn spans(&self) -> &[Held<O>] {
        &self.spans
    }

    pub fn at(&self, time: Timestamp) -> Option<O> {
        let after = self.spans.partition_point(|span| span.to < time);
        let span = self.spans.get(after)?;
        (span.from <= time).then_some(span.owner)
    }

    /// Settles claims; what is contested comes back beside the spans.
    pub fn settle(mut claims: Vec<(Period, O)>) -> (Self, Vec<Contest<O>>) {
        claims.sort_unstable();
        let mut chains: Vec<(Period, Vec<O>)> = Vec::new();
        for (period, owner) in claims {
            match chains.last_mut() {
                Some((chain, owners)) if chain.overlaps(period) => {
                    *chain = chain.with(period);
                    if owners.len() < CONTENDERS && !owners.contains(&owner) {
                        owners.push(owner);
                    }
                }
                _ => chains.push((period, vec![owner])),
            }
        }
        let mut contests = Vec::new();
        let mut settled: Vec<(Period, Option<O>)> = Vec::new();
        for (period, mut owners) in chains {
            let owner = match owners.as_slice() {
                [one] => Some(*one),
                _ => {
                    owners.sort_unstable();
                    let (from, to) = (period.from, period.to);
                    contests.push(Contest { from, to, owners });
                    None
                }
            };
            match settled.last_mut() {
                Some((held, before)) if *before == owner => *held = held.with(period),
                Some((held, _)) => {
                    // A lease that ran out before the next owner came was kept to its end; one that
                    // did not was given up, nobody knows when.
                    if held.until < period.from {
                        held.to = held.until;
                    }
                    settled.push((period, owner));
                }
                None => settled.push((period, owner)),
            }
        }
        if let Some((first, _)) = settled.first_mut() {
            first.from = Timestamp::MIN;
        }
        if let Some((last, _)) = settled.last_mut() {
            last.to = Timestamp::MAX;
        }
        let spans = settled
            .into_iter()
            .filter_map(|(period, owner)| {
                Some(Held {
                    from: period.from,
                    to: period.to,
                    owner: owner?,
                })
            })
            .collect();
        (Self { spans }, contests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim(from: i64, to: i64, owner: u8) -> (Period, u8) {
        (Period::new(Timestamp(from), Timestamp(to)), owner)
    }

    fn owners(timeline: &Timeline<u8>, times: &[i64]) -> Vec<Option<u8>> {
        times.iter().map(|t| timeline.at(Timestamp(*t))).collect()
    }

    #[test]
    fn one_owner_has_it_always() {
        let (timeline, _) = Timeline::settle(vec![claim(10, 20, 1), claim(30, 30, 1)]);
        assert_eq!(owners(&timeline, &[i64::MIN, 25, i64::MAX]), [Some(1); 3]);
    }

    #[test]
    fn between_two_owners_it_is_nobodys() {
        let (timeline, contests) = Timeline::settle(vec![claim(30, 40, 2), claim(10, 20, 1)]);
        assert_eq!(
            owners(&timeline, &[0, 20, 21, 29, 30, 99]),
            [Some(1), Some(1), None, None, Some(2), Some(2)]
        );
        assert!(contests.is_empty());
    }

    #[test]
    fn what_two_claim_at_once_is_neithers_and_is_told() {
        let (timeline, contests) =
            Timeline::settle(vec![claim(10, 20, 1), claim(15, 30, 2), claim(40, 50, 2)]);
        assert_eq!(
            owners(&timeline, &[5, 12, 18, 30, 35, 45]),
            [None, None, None, None, None, Some(2)]
        );
        assert_eq!(contests[0].owners, [1, 2]);
    }

    #[test]
    fn a_lease_that_ran_out_was_kept_and_one_that_did_not_was_given_up() {
        let leased = |until| {
            let mut first = claim(10, 20, 1);
            first.0.until = Timestamp(until);
            Timeline::settle(vec![first, claim(40, 50, 2)]).0
        };
        assert_eq!(owners(&leased(35), &[34, 35, 36]), [Some(1), Some(1), None]);
        assert_eq!(owners(&leased(60), &[20, 21, 39]), [Some(1), None, None]);
    }

    proptest! {
        #[test]
        fn spans_are_disjoint_and_every_lone_claim_is_held(
            drawn in prop::collection::vec((0_i64..200, 0_i64..10, 0_u8..4), 0..20)
        ) {
            let claims: Vec<_> = drawn.iter().map(|(at, long, who)| claim(*at, at + long, *who)).collect();
            let (timeline, contests) = Timeline::settle(claims.clone());
            prop_assert!(timeline.spans().windows(2).all(|w| w[0].to < w[1].from));
            for (period, owner) in claims {
                let contested = contests.iter().any(|c| c.from <= period.from && period.to <= c.to);
                let held = [period.from, period.to].map(|t| timeline.at(t) == Some(owner));
                prop_assert_eq!(held, [!contested; 2]);
            }
        }
    }
}
