//! How far one clock is ahead of another, from what both saw.
//!
//! Pure: sights in, an answer or the reason why there is none out. A step that the evidence names
//! (Security 4616, Kernel-General 1) says where one piece ends and the next begins, and carries an
//! offset on to a side where nothing was measured.

use super::fit::{self, Grain, Segment, Unfit, grain};
use super::pairing::{self, Unpaired};
use super::sample::Sight;
use super::steps::Step;
use crate::model::{EvidenceId, Span, Timestamp};

/// Where one piece ends and the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Somewhere between the last pair of one and the first pair of the other.
    Between,
    /// At a step that the evidence names.
    At(Step),
}

/// What was measured of one clock against another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// How far the clock is ahead, in the piece that most pairs show.
    pub offset: Span,
    /// How much that grows there, in nanoseconds a second (10^-9; 1,000 are 1 ppm).
    pub drift: i64,
    /// The straight pieces, in the order in which they happened.
    pub segments: Vec<Segment>,
    /// What lies between them, one less than pieces.
    pub boundaries: Vec<Boundary>,
    /// The largest uncertainty of a piece.
    pub uncertainty: Span,
    /// Pairs that agree, over all pieces.
    pub anchors: u64,
    /// The multiple of 15 minutes that the offset is, where it is one within two seconds: a wrong
    /// time zone, not a wrong clock.
    pub zone_error: Option<Span>,
}

impl Measured {
    /// The zone error, where every piece has it.
    pub fn zone(&self) -> Option<Span> {
        let zone = self.zone_error?;
        let same = |segment: &Segment| zone_error(segment.offset) == Some(zone);
        self.segments.iter().all(same).then_some(zone)
    }
}

/// Why a clock could not be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undetermined {
    /// Nothing was seen by both.
    NothingShared,
    /// Fewer than three connections agree: how many, and on what.
    TooFew(u64, Option<Span>),
    /// Two offsets are supported alike.
    Contradicting(Span, Span),
    /// Most shared connections disagree, or they scatter too widely: not two views of one run.
    NotOneRun,
    /// Rows would come before the packets that caused them.
    BeforeCause,
}

impl Undetermined {
    /// How far off the clock is by what was seen on both sides, where that is too little to measure by.
    pub(super) fn hints(&self) -> Option<Span> {
        match self {
            Self::TooFew(_, on) => on.map(Span::abs),
            Self::Contradicting(a, b) => Some(a.abs().max(b.abs())),
            Self::NothingShared | Self::NotOneRun | Self::BeforeCause => None,
        }
    }
}

/// 15 minutes: all zones of the world are multiples of it.
const QUARTER: i64 = 900 * 1_000_000_000;
/// How near an offset must lie to such a multiple to be called one.
const ZONE_WITHIN: i64 = 2 * 1_000_000_000;
/// A row this long before its packet has another cause.
const BEFORE_CAUSE: i64 = 50_000_000;

/// Measures a clock against a reference; both sides sorted by connection and time.
///
/// # Errors
/// See `Undetermined`.
pub fn measure(
    clock: &[Sight],
    reference: &[Sight],
    steps: &[Step],
) -> Result<Measured, Undetermined> {
    let grain = Grain {
        clock: grain(clock.iter().map(|s| s.time)),
        reference: grain(reference.iter().map(|s| s.time)),
    };
    let slack = Span(if grain.is_coarse() { grain.both() } else { 0 });
    let (tracks, shared) = pairing::pair(clock, reference, slack).map_err(|e| match e {
        Unpaired::Nothing => Undetermined::NothingShared,
        Unpaired::TooFew(agree, on) => Undetermined::TooFew(agree, on),
        Unpaired::Contradicting(a, b) => Undetermined::Contradicting(a, b),
        Unpaired::Disagreeing => Undetermined::NotOneRun,
    })?;
    let mut segments = Vec::new();
    for track in &tracks {
        // To leave out a track that does not fit would be to place its time by another one.
        let pieces = fit::fit(track, grain).map_err(|unfit| match unfit {
            Unfit::TooFew | Unfit::Scattered => Undetermined::NotOneRun,
        })?;
        if !grain.is_coarse() && early(track, &pieces) {
            return Err(Undetermined::BeforeCause);
        }
        segments.extend(pieces);
    }
    // What a track took in and its line does not hold agrees with nothing.
    let agree: u64 = segments.iter().map(|s| s.anchors).sum();
    if agree.saturating_mul(2) <= shared as u64 {
        return Err(Undetermined::NotOneRun);
    }
    Ok(Measured::of(segments, steps))
}

/// True if more than one in fifty rows comes too long before its packet.
fn early(track: &[fit::Pair], pieces: &[Segment]) -> bool {
    let miss = |p: &fit::Pair| {
        pieces
            .iter()
            .map(|s| {
                let outside = s.from.since(p.clock).0.max(p.clock.since(s.to).0).max(0);
                (
                    outside,
                    p.delta().saturating_sub(s.offset_at(p.clock).0),
                    s.uncertainty.0,
                )
            })
            .min()
            .map_or(0, |(_, miss, uncertainty)| miss.saturating_add(uncertainty))
    };
    let early = track
        .iter()
        .filter(|p| (-1_000_000_000..-BEFORE_CAUSE).contains(&miss(p)))
        .count();
    early >= 2 && early * 50 > track.len()
}

impl Measured {
    fn of(mut segments: Vec<Segment>, steps: &[Step]) -> Self {
        segments.sort_by_key(|s| (s.corrected(s.from), s.corrected(s.to)));
        let anchors = segments.iter().map(|s| s.anchors).sum();
        let main = segments
            .iter()
            .enumerate()
            .max_by_key(|(i, s)| (s.anchors, usize::MAX - i))
            .map(|(_, s)| *s);
        let (offset, drift) = main.map_or((Span::ZERO, 0), |s| {
            (
                s.offset_at(Timestamp(i64::midpoint(s.from.0, s.to.0))),
                s.drift,
            )
        });
        let uncertainty = segments
            .iter()
            .map(|s| s.uncertainty)
            .max()
            .unwrap_or_default();
        let mut measured = Self {
            offset,
            drift,
            boundaries: vec![Boundary::Between; segments.len().saturating_sub(1)],
            segments,
            uncertainty,
            anchors,
            zone_error: zone_error(offset),
        };
        measured.place(steps);
        measured
    }

    /// Finds the named steps among the boundaries, and adds pieces beyond the measured ones.
    fn place(&mut self, steps: &[Step]) {
        let mut steps = steps.to_vec();
        for (i, boundary) in self.boundaries.iter_mut().enumerate() {
            let (a, b) = (&self.segments[i], &self.segments[i + 1]);
            let fits = |step: &Step| {
                let gained = b
                    .offset_at(step.to)
                    .0
                    .saturating_sub(a.offset_at(step.from).0);
                let margin = a
                    .uncertainty_at(step.from)
                    .plus(b.uncertainty_at(step.to))
                    .plus(Span::millis(50));
                let inside = step.from >= a.to.shifted(margin.negated())
                    && step.to <= b.from.shifted(margin);
                inside && step.size().0.saturating_sub(gained).saturating_abs() <= margin.0
            };
            if let Some(at) = steps.iter().position(fits) {
                *boundary = Boundary::At(steps.remove(at));
            }
        }
        // Steps after the last pair, in the order they happened, and before the first, backwards.
        // One that contradicts a piece lies inside it and is ignored: the packets know better. A
        // step back over everything that was measured could be either, and is left alone. They come in their order.
        let (Some(first), Some(last)) = (
            self.segments.first().copied(),
            self.segments.last().copied(),
        ) else {
            return;
        };
        let (after, before): (Vec<&Step>, Vec<&Step>) = steps
            .iter()
            .filter(|s| (s.from >= last.to) != (s.to <= first.from))
            // A night of sleep must not move all days before it by hours.
            .filter(|s| !s.may_be_sleep())
            .partition(|s| s.from >= last.to);
        let mut at = last;
        for step in after {
            let offset = at.offset_at(step.from).plus(step.size());
            at = unmeasured(step.to, offset, &at, at.uncertainty_at(step.from));
            self.segments.push(at);
            self.boundaries.push(Boundary::At(step.clone()));
        }
        let mut at = first;
        for step in before.into_iter().rev() {
            let offset = at.offset_at(step.to).plus(step.size().negated());
            at = unmeasured(step.from, offset, &at, at.uncertainty_at(step.to));
            self.segments.insert(0, at);
            self.boundaries.insert(0, Boundary::At(step.clone()));
        }
    }

    /// Which piece times an event, and by how much that choice could be wrong.
    ///
    /// `log` and `record` say where the event is written: a record of the log that names a step is
    /// before or after it by its number, all others by their time, which is in doubt where the clock
    /// showed it twice.
    pub fn piece_at(
        &self,
        time: Timestamp,
        log: Option<(EvidenceId, &str)>,
        record: u64,
    ) -> (usize, Span) {
        let mut piece = 0;
        let mut doubt = Span::ZERO;
        for (i, boundary) in self.boundaries.iter().enumerate() {
            let (a, b) = (&self.segments[i], &self.segments[i + 1]);
            // If the other piece is the right one, its own uncertainty counts too.
            let between = || {
                let apart = b.offset_at(time).plus(a.offset_at(time).negated()).abs();
                apart.plus(a.uncertainty_at(time).max(b.uncertainty_at(time)))
            };
            let number = |step: &Step| log.and_then(|log| step.record_in(log));
            let (after, unsure) = match boundary {
                Boundary::At(step) if number(step).is_some() => {
                    (number(step).is_some_and(|at| record >= at), false)
                }
                Boundary::At(step) if step.to >= step.from => (time > step.from, false),
                Boundary::At(step) => (time >= step.to, (step.to..=step.from).contains(&time)),
                Boundary::Between => {
                    // The change was at any moment after the last pair of one and before the first
                    // pair of the other.
                    let before = a.corrected(time) <= b.corrected(b.from);
                    let after = b.corrected(time) >= a.corrected(a.to);
                    match (before, after) {
                        (true, false) => (false, false),
                        (false, true) => (true, false),
                        _ => {
                            let nearer = time.since(a.to).abs() > b.from.since(time).abs();
                            (nearer, true)
                        }
                    }
                }
            };
            if unsure {
                // What is too small to move times still turns their order.
                let turned = match boundary {
                    Boundary::At(step) => step.size().abs(),
                    Boundary::Between => Span::ZERO,
                };
                doubt = doubt.max(between()).max(turned);
            }
            if after {
                piece = i + 1;
            } else if !unsure {
                break;
            }
        }
        (piece, doubt)
    }

    /// The offset when the clock shows `time` in piece `piece`, and its uncertainty.
    pub fn at(&self, piece: usize, time: Timestamp) -> (Span, Span) {
        self.segments
            .get(piece)
            .map_or((self.offset, self.uncertainty), |s| {
                (s.offset_at(time), s.uncertainty_at(time))
            })
    }
}

fn unmeasured(at: Timestamp, offset: Span, like: &Segment, uncertainty: Span) -> Segment {
    Segment {
        from: at,
        to: at,
        offset,
        drift: like.drift,
        uncertainty,
        growth: like.growth,
        anchors: 0,
    }
}

/// The multiple of 15 minutes that `offset` is, if it is one and not zero.
pub fn zone_error(offset: Span) -> Option<Span> {
    let quarters = (offset.0.saturating_add(QUARTER / 2)).div_euclid(QUARTER);
    let zone = quarters.saturating_mul(QUARTER);
    (quarters != 0 && offset.0.saturating_sub(zone).saturating_abs() <= ZONE_WITHIN)
        .then_some(Span(zone))
}
