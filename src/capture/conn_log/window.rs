//! Rows that wait until it is known what came after them: whether the log went on, and whether the client
//! tried again.
//!
//! Zeek gives up a SYN after five seconds and forgets a reset after a tenth of one. What the same
//! connect() sends later is a row of its own, with the same ends. Those rows are one attempt here, as
//! the packets would be. Rows are joined in whatever order the log has them, within the window.

use super::clock::Clock;
use crate::model::attempt::{Marks, Outcome};
use crate::model::{Attempt, Event, Span, Timestamp, Transport, What};

/// Zeek gives up an unanswered SYN after this long (`tcp_attempt_delay`), or when it ends itself.
const GIVEN_UP: Span = Span::seconds(5);
/// Clients wait this long at most before they send a SYN again: Linux up to 32 s, Windows 8 s.
const AGAIN: Span = Span::seconds(40);
/// From the first SYN of a connect() to the last: Linux sends the last of seven after 63 s.
const TRYING: Span = Span::seconds(75);
/// Rows that wait, at most; then the older half of them goes.
const MOST: usize = 65_536;

/// The rows that wait.
#[derive(Default)]
pub(super) struct Window {
    rows: Vec<Event>,
    clock: Clock,
}

impl Window {
    /// Passes on a row that ended at `ended`, or lets it wait.
    pub(super) fn hear(&mut self, event: Event, ended: Timestamp, emit: &mut dyn FnMut(Event)) {
        self.clock.hear(ended);
        if !waits(&event) {
            return emit(event);
        }
        self.rows.push(event);
        if self.rows.len() >= MOST {
            let mut times: Vec<Timestamp> = self.rows.iter().map(|row| row.time).collect();
            let (_, half, _) = times.select_nth_unstable(MOST / 2);
            self.release(*half, emit);
        }
    }

    /// Passes on what still waits: the log ends. Returns how many rows have leapt ahead alone.
    pub(super) fn end(mut self, emit: &mut dyn FnMut(Event)) -> u64 {
        self.release(Timestamp::MAX, emit);
        self.clock.lone()
    }

    /// Passes on the attempts that began at `until` or before.
    fn release(&mut self, until: Timestamp, emit: &mut dyn FnMut(Event)) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_by_cached_key(|row| (ends(row), row.order()));
        let mut rows = rows.into_iter().peekable();
        while let Some(first) = rows.next() {
            let mut more: Vec<Event> = Vec::new();
            let follows = |more: &[Event], next: &Event| {
                follows((&first, more.last().unwrap_or(&first)), next)
            };
            while let Some(next) = rows.next_if(|next| follows(&more, next)) {
                more.push(next);
            }
            if first.time <= until {
                emit(joined(first, &more, self.clock.latest()));
            } else {
                self.rows.push(first);
                self.rows.append(&mut more);
            }
        }
    }
}

fn attempt(event: &Event) -> Option<&Attempt> {
    match &event.what {
        What::Attempt(attempt) => Some(attempt),
        _ => None,
    }
}

/// True for rows whose telling depends on others: of TCP, and questions that nobody answered.
fn waits(event: &Event) -> bool {
    attempt(event).is_some_and(|attempt| {
        attempt.transport == Transport::TCP
            || attempt.icmp.is_some() && attempt.outcome == Outcome::Unanswered
    })
}

fn ends(event: &Event) -> Option<impl Ord + use<>> {
    attempt(event).map(|a| (a.transport, a.initiator, a.responder))
}

/// True if `next` shows a further try of the attempt that began with `first`, `last` being the one before.
fn follows((first, last): (&Event, &Event), next: &Event) -> bool {
    let (Some(before), Some(after)) = (attempt(last), attempt(next)) else {
        return false;
    };
    let tried = match before.outcome {
        Outcome::Unanswered => !before.went_on(),
        outcome => outcome == Outcome::Rejected,
    };
    tried
        && before.transport == Transport::TCP
        && ends(last) == ends(next)
        && after.asked()
        && next.time.since(before.last_try) <= AGAIN
        && next.time.since(first.time) <= TRYING
}

/// The attempt that rows in order of time show, the log having gone on until `latest`.
fn joined(mut event: Event, more: &[Event], latest: Option<Timestamp>) -> Event {
    let alone = more.is_empty();
    let began = more.last().map_or(event.time, |row| row.time);
    for next in more {
        add(&mut event, next);
    }
    let waited = latest.map(|latest| began.shifted(GIVEN_UP).min(latest));
    if let (What::Attempt(attempt), Some(waited)) = (&mut event.what, waited)
        && attempt.outcome == Outcome::Unanswered
    {
        attempt.decided = attempt.decided.max(waited);
        let once = attempt.transport == Transport::TCP && attempt.packets == [1, 0];
        if alone && once && waited.since(event.time) >= GIVEN_UP {
            attempt.marks.set(Marks::ABANDONED);
        }
    }
    event
}

/// Adds a further try to the attempt of `event`.
fn add(event: &mut Event, next: &Event) {
    let What::Attempt(whole) = &mut event.what else {
        return;
    };
    let Some(more) = attempt(next) else {
        return;
    };
    // A refusal stays one, however often it is asked for.
    if whole.outcome == Outcome::Unanswered || more.outcome != Outcome::Unanswered {
        if whole.outcome != more.outcome {
            (whole.outcome, whole.decided) = (more.outcome, more.decided);
            whole.deciding = Some(next.provenance);
        }
        (whole.end, whole.marks) = (more.end, more.marks);
    }
    whole.tries = whole.tries.saturating_add(more.tries);
    whole.last_try = whole.last_try.max(more.last_try);
    whole.ended = whole.ended.max(more.ended);
    for side in 0..2 {
        whole.bytes[side] = whole.bytes[side].saturating_add(more.bytes[side]);
        whole.packets[side] = whole.packets[side].saturating_add(more.packets[side]);
    }
}
