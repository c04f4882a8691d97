//! The k-way merge of sorted runs.

use super::SpoolError;
use super::run::{Run, RunReader};
use crate::model::{Event, Provenance, Timestamp};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

enum Source {
    Held(std::vec::IntoIter<Event>),
    Disk(RunReader),
}

impl Source {
    fn next(&mut self) -> Option<Result<Event, SpoolError>> {
        match self {
            Self::Held(events) => events.next().map(Ok),
            Self::Disk(reader) => reader.next(),
        }
    }
}

/// All events in time order.
pub struct Merged {
    sources: Vec<Source>,
    heads: Vec<Option<Event>>,
    heap: BinaryHeap<Reverse<(Timestamp, Provenance, usize)>>,
    failed: Option<SpoolError>,
}

impl Merged {
    pub(super) fn over(held: Vec<Vec<Event>>, runs: Vec<Run>) -> Result<Self, SpoolError> {
        let mut sources: Vec<Source> = held
            .into_iter()
            .filter(|h| !h.is_empty())
            .map(|h| Source::Held(h.into_iter()))
            .collect();
        for run in &runs {
            sources.push(Source::Disk(run.reader()));
        }
        let mut merged = Self {
            heads: sources.iter().map(|_| None).collect(),
            sources,
            heap: BinaryHeap::new(),
            failed: None,
        };
        for i in 0..merged.sources.len() {
            merged.advance(i)?;
        }
        Ok(merged)
    }

    fn advance(&mut self, source: usize) -> Result<(), SpoolError> {
        if let Some(event) = self.sources[source].next().transpose()? {
            let (time, provenance) = event.order();
            self.heap.push(Reverse((time, provenance, source)));
            self.heads[source] = Some(event);
        }
        Ok(())
    }
}

impl Iterator for Merged {
    type Item = Result<Event, SpoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            self.heap.clear();
            return Some(Err(error));
        }
        let Reverse((_, _, source)) = self.heap.pop()?;
        let event = self.heads[source].take()?;
        if let Err(error) = self.advance(source) {
            self.failed = Some(error);
        }
        Some(Ok(event))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Spool;
    use crate::model::{
        Event, EvidenceId, HostEvent, HostWhat, Provenance, Timestamp, What, provenance::Item,
    };
    use proptest::prelude::*;

    fn event(time: i64, evidence: u32, item: u64) -> Event {
        Event {
            time: Timestamp(time),
            recorded: Timestamp(time),
            provenance: Provenance {
                evidence: EvidenceId(evidence),
                interface: 0,
                kind: Item::Record,
                item,
                offset: item,
                inside: false,
            },
            what: What::host(HostEvent {
                computer: "WS01".into(),
                channel: "System".into(),
                provider: "p".into(),
                event_id: 12,
                socket: None,
                timed: crate::model::Timed::Utc,
                written: Timestamp(time),
                what: HostWhat::SystemStarted,
            }),
        }
    }

    proptest! {
        #[test]
        fn spilling_and_splitting_change_nothing(times in prop::collection::vec((0_i64..50, 1_u32..4), 0..600), parts in 1_usize..5) {
            let events: Vec<Event> = times.iter().enumerate().map(|(i, (t, e))| event(*t, *e, i as u64)).collect();
            let mut expected = events.clone();
            expected.sort_by_key(Event::order);
            for budget in [0, usize::MAX >> 1] {
                let mut all = super::super::Spooled::default();
                for chunk in events.chunks(events.len() / parts + 1) {
                    let mut spool = Spool::new(budget);
                    for e in chunk { spool.push(e.clone()).unwrap(); }
                    all.join(spool.finish().unwrap());
                }
                let got: Vec<Event> = all.into_stream(None).unwrap().map(Result::unwrap).collect();
                prop_assert_eq!(&got, &expected);
            }
        }

        #[test]
        fn a_correction_is_applied_before_the_order_is_made(times in prop::collection::vec(0_i64..1000, 300..900)) {
            let mut spool = Spool::new(0);
            for (i, t) in times.iter().enumerate() { spool.push(event(*t, 1, i as u64)).unwrap(); }
            let step = |e: &mut Event| if e.recorded.0 >= 500 { e.time = Timestamp(e.recorded.0 - 400) };
            let got: Vec<Event> = spool.finish().unwrap().into_stream(Some(&step)).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(got.len(), times.len());
            prop_assert!(got.windows(2).all(|w| w[0].order() <= w[1].order()));
            prop_assert!(got.iter().all(|e| e.recorded.0 < 500 || e.time.0 == e.recorded.0 - 400));
        }
    }
}
