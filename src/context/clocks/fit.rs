//! From pairs of times to straight pieces: how far a clock is ahead, how fast it drifts, where it
//! steps, and how sure that is.
//!
//! Robust statistics throughout: medians, Theil–Sen slopes (median of pairwise slopes) and
//! truncated absolute residuals, so that a few wrong pairs change nothing. Where one side only
//! knows whole seconds, each pair bounds the offset from both sides, and the bounds are
//! intersected. Everything is a function of its slice; sums run in slice order.

use crate::model::{Span, Timestamp};

/// One connection seen by both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// When, on the reference clock.
    pub reference: Timestamp,
    /// When, on the clock that is measured.
    pub clock: Timestamp,
}

impl Pair {
    /// How far the clock is ahead in this pair.
    pub fn delta(&self) -> i64 {
        self.clock.0.saturating_sub(self.reference.0)
    }
}

/// How fine the two sides' times are, in nanoseconds: 10^9 for times cut to whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grain {
    /// Of the clock that is measured.
    pub clock: i64,
    /// Of the reference.
    pub reference: i64,
}

impl Grain {
    /// From here on, pairs bound the offset instead of stating it.
    const COARSE: i64 = 100_000_000;

    /// Of both together.
    pub fn both(self) -> i64 {
        self.clock.saturating_add(self.reference)
    }

    /// True if pairs only bound the offset.
    pub fn is_coarse(self) -> bool {
        self.both() >= Self::COARSE
    }
}

/// The grain of a set of times: the coarsest decimal step from 1 ms to 1 s that divides all.
pub fn grain(times: impl Iterator<Item = Timestamp> + Clone) -> i64 {
    [1_000_000_000, 100_000_000, 10_000_000, 1_000_000]
        .into_iter()
        .find(|step| times.clone().all(|t| t.0 % step == 0))
        .unwrap_or(0)
}

/// A stretch over which a clock runs straight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First pair, as the measured clock shows it.
    pub from: Timestamp,
    /// Last pair, as the measured clock shows it.
    pub to: Timestamp,
    /// How far the clock is ahead at `from`.
    pub offset: Span,
    /// How much that grows, in nanoseconds a second (10^-9); 0 where no drift could be shown.
    pub drift: i64,
    /// Half width of the interval the offset lies in, between `from` and `to`.
    pub uncertainty: Span,
    /// How much the uncertainty grows away from the pairs, in nanoseconds a second.
    pub growth: i64,
    /// Pairs that agree.
    pub anchors: u64,
}

/// How fast an offset may change where nobody measured it, in nanoseconds a second: 50 ppm, about
/// what an undisciplined quartz of a computer does at worst.
const DRIFT_UNSEEN: i64 = 50_000;
/// A row is written 0 to 3 ms after its packet, and no statistics of the pairs show how long.
const WAIT: f64 = 3e6;
/// What a fit never claims to be better than: the path between host and sensor does not show either.
const FLOOR: f64 = 5e6;
/// Points that a slope is taken from; their pairs are a fifth of a million slopes at most.
const SLOPE_POINTS: usize = 200;
/// True pairs agree far better than this; a wider scatter is not one clock.
const SCATTER_LIMIT: f64 = 150e6;
/// Faster is no drift but something else.
const DRIFT_LIMIT: f64 = 300e-6;
/// A drift is only sought over at least so many pairs and nanoseconds.
const DRIFT_PAIRS: usize = 4;
const DRIFT_SPAN: f64 = 120e9;
/// And over more where pairs only bound the offset.
const COARSE_DRIFT_PAIRS: usize = 12;
/// Robust standard deviation from a median absolute deviation of normal noise.
const SIGMA: f64 = 1.4826;
/// Fewer pairs than this prove nothing.
pub const FEWEST: usize = 3;

impl Segment {
    /// How far the clock is ahead when it shows `time`.
    pub fn offset_at(&self, time: Timestamp) -> Span {
        let since = i128::from(time.0) - i128::from(self.from.0);
        let grown = since * i128::from(self.drift) / 1_000_000_000;
        Span(clamp(i128::from(self.offset.0) + grown))
    }

    /// Half width of the interval the offset lies in when the clock shows `time`: it widens away
    /// from the pairs.
    pub fn uncertainty_at(&self, time: Timestamp) -> Span {
        let before = i128::from(self.from.0) - i128::from(time.0);
        let after = i128::from(time.0) - i128::from(self.to.0);
        let away = before.max(after).max(0);
        Span(clamp(
            i128::from(self.uncertainty.0) + away * i128::from(self.growth) / 1_000_000_000,
        ))
    }

    /// The moment on the reference clock.
    pub fn corrected(&self, time: Timestamp) -> Timestamp {
        time.shifted(self.offset_at(time).negated())
    }
}

fn clamp(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// Why pairs give no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Too few agree.
    TooFew,
    /// They scatter more than pairs of one clock do.
    Scattered,
}

/// A straight line through points: nanoseconds ahead over nanoseconds since the first.
#[derive(Clone, Copy)]
struct Line {
    base: f64,
    slope: f64,
}

impl Line {
    fn miss(&self, p: &(f64, f64)) -> f64 {
        p.1 - self.base - self.slope * p.0
    }
}

fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let (middle, odd) = (values.len() / 2, values.len() % 2 == 1);
    let (below, at, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let at = *at;
    if odd {
        return at;
    }
    let below = below.iter().copied().max_by(f64::total_cmp).unwrap_or(at);
    f64::midpoint(below, at)
}

fn deviation(points: &[(f64, f64)], line: Line) -> f64 {
    median(
        &mut points
            .iter()
            .map(|p| line.miss(p).abs())
            .collect::<Vec<_>>(),
    )
}

/// At most `most` of the points, evenly spread, the first and last among them.
fn thinned(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most {
        return points.to_vec();
    }
    (0..most)
        .map(|i| points[i * (points.len() - 1) / (most - 1)])
        .collect()
}

/// The median of all.
fn constant(points: &[(f64, f64)]) -> Line {
    Line {
        base: median(&mut points.iter().map(|p| p.1).collect::<Vec<_>>()),
        slope: 0.0,
    }
}

/// The line through points, with a drift only where it explains what a constant does not.
fn line(points: &[(f64, f64)], most: usize) -> Line {
    let some = thinned(points, most);
    let constant = constant(&some);
    match sloped(&some) {
        Some(sloped) if deviation(&some, sloped) <= 0.7 * deviation(&some, constant) => sloped,
        _ => constant,
    }
}

/// The line with the median of all slopes.
fn sloped(some: &[(f64, f64)]) -> Option<Line> {
    let span = some.last().map_or(0.0, |l| l.0) - some.first().map_or(0.0, |f| f.0);
    if some.len() < DRIFT_PAIRS || span < DRIFT_SPAN {
        return None;
    }
    let mut slopes = Vec::with_capacity(some.len() * some.len() / 2);
    for (i, a) in some.iter().enumerate() {
        for b in &some[i + 1..] {
            if b.0 - a.0 > 1e9 {
                slopes.push((b.1 - a.1) / (b.0 - a.0));
            }
        }
    }
    let slope = median(&mut slopes);
    let base = median(&mut some.iter().map(|p| p.1 - slope * p.0).collect::<Vec<_>>());
    (slope.abs() <= DRIFT_LIMIT).then_some(Line { base, slope })
}

/// Points of a fit: one pass over pairs in order of the reference.
struct Points {
    all: Vec<(f64, f64)>,
    first: Timestamp,
    base: i64,
}

fn points(pairs: &[Pair]) -> Points {
    let first = pairs.first().map_or(Timestamp(0), |p| p.clock);
    let base = pairs.get(pairs.len() / 2).map_or(0, Pair::delta);
    let all = pairs
        .iter()
        .map(|p| {
            (
                p.clock.0.saturating_sub(first.0) as f64,
                p.delta().saturating_sub(base) as f64,
            )
        })
        .collect();
    Points { all, first, base }
}

/// Fits pairs, which come in order of the reference, by as many straight pieces as they need.
///
/// # Errors
/// If fewer than three pairs agree, or the pairs do not lie on straight pieces.
pub fn fit(pairs: &[Pair], grain: Grain) -> Result<Vec<Segment>, Unfit> {
    let mut segments = Vec::new();
    split(pairs, grain, 6, &mut segments)?;
    Ok(segments)
}

fn split(pairs: &[Pair], grain: Grain, depth: u32, out: &mut Vec<Segment>) -> Result<(), Unfit> {
    let points = points(pairs);
    let whole = line(&points.all, SLOPE_POINTS);
    let cut = if depth > 0 {
        best_cut(&points.all, whole)
    } else {
        None
    };
    if let Some(cut) = cut.filter(|c| c.better)
        && split_at(pairs, cut.at, grain, depth, out).is_ok()
    {
        return Ok(());
    }
    match finish(&points, pairs, whole, grain) {
        Ok(segment) => {
            out.push(segment);
            Ok(())
        }
        // Whole seconds hide a step smaller than themselves until the bounds contradict each other.
        Err(unfit) => match cut {
            Some(cut) if grain.is_coarse() && !cut.better => {
                split_at(pairs, cut.at, grain, depth, out).map_err(|_| unfit)
            }
            _ => Err(unfit),
        },
    }
}

fn split_at(
    pairs: &[Pair],
    at: usize,
    grain: Grain,
    depth: u32,
    out: &mut Vec<Segment>,
) -> Result<(), Unfit> {
    let held = out.len();
    let (before, after) = pairs.split_at(at);
    let done =
        split(before, grain, depth - 1, out).and_then(|()| split(after, grain, depth - 1, out));
    if done.is_err() {
        out.truncate(held);
    }
    done
}

#[derive(Clone, Copy)]
struct Cut {
    at: usize,
    better: bool,
}

/// Where two lines explain best what one does not.
fn best_cut(points: &[(f64, f64)], whole: Line) -> Option<Cut> {
    const EACH_SIDE: usize = 4;
    const TRIED: usize = 24;
    if points.len() < 3 * EACH_SIDE {
        return None;
    }
    let misses: Vec<f64> = points.iter().map(|p| whole.miss(p)).collect();
    let mut jumps: Vec<f64> = misses.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
    let noise = SIGMA * median(&mut jumps) / std::f64::consts::SQRT_2;
    let most = (20.0 * noise)
        .max(20e6)
        .max(4.0 * SIGMA * deviation(points, whole));
    let cost = |points: &[(f64, f64)], line: Line| {
        points
            .iter()
            .map(|p| line.miss(p).abs().min(most))
            .sum::<f64>()
    };
    let at_one = cost(points, whole);
    let places = points.len() - 2 * EACH_SIDE + 1;
    let tried = places.min(TRIED);
    let mut best: Option<(f64, Line, Line)> = None;
    for i in 0..tried {
        let at = EACH_SIDE + i * (places - 1) / (tried - 1).max(1);
        let (left, right) = (line(&points[..at], 40), line(&points[at..], 40));
        let sum = cost(&points[..at], left) + cost(&points[at..], right);
        if best.as_ref().is_none_or(|(held, ..)| sum < *held) {
            best = Some((sum, left, right));
        }
    }
    let (_, left, right) = best?;
    // With both lines known, the place itself is exact.
    let mut running: f64 = points.iter().map(|p| right.miss(p).abs().min(most)).sum();
    let (mut least, mut at) = (f64::INFINITY, EACH_SIDE);
    for (i, p) in points.iter().enumerate() {
        if (EACH_SIDE..=points.len() - EACH_SIDE).contains(&i) && running < least {
            (least, at) = (running, i);
        }
        running += left.miss(p).abs().min(most) - right.miss(p).abs().min(most);
    }
    let mean = at_one / points.len() as f64;
    Some(Cut {
        at,
        better: least < 0.6 * at_one && mean > (2.0 * noise).max(2e6),
    })
}

fn finish(points: &Points, pairs: &[Pair], line: Line, grain: Grain) -> Result<Segment, Unfit> {
    if pairs.len() < FEWEST {
        return Err(Unfit::TooFew);
    }
    if !grain.is_coarse() {
        return agreed(points, pairs, line, grain);
    }
    let plain = bounded(points, pairs, constant(&points.all), grain);
    let slope =
        sloped(&thinned(&points.all, SLOPE_POINTS)).filter(|_| pairs.len() >= COARSE_DRIFT_PAIRS);
    let drifting = slope
        .ok_or(Unfit::Scattered)
        .and_then(|line| bounded(points, pairs, line, grain));
    // A drift is only claimed where it saves pairs from contradicting each other.
    match (plain, drifting) {
        (Ok(plain), Ok(drifting)) if plain.0 > drifting.0 => Ok(drifting.1),
        (Ok(plain), _) => Ok(plain.1),
        (Err(_), Ok(drifting)) => Ok(drifting.1),
        (Err(_), Err(_)) => slope
            .and_then(|line| nearby(points, pairs, line, grain))
            .map_or_else(|| loose(points, pairs, grain), Ok),
    }
}

/// The median of the slopes is off by what the cut times hide, which may be enough for the bounds to
/// contradict each other: the slope beside it that leaves out the fewest pairs.
fn nearby(points: &Points, pairs: &[Pair], line: Line, grain: Grain) -> Option<Segment> {
    const EACH_WAY: i32 = 8;
    let span = points.all.last().map_or(0.0, |p| p.0).max(1.0);
    let error = 2.0 * grain.both() as f64 / (pairs.len() as f64).sqrt() / span;
    (1..=EACH_WAY)
        .flat_map(|i| [i, -i])
        .filter_map(|i| {
            let slope = line.slope + error * f64::from(i) / f64::from(EACH_WAY);
            let beside = Line { slope, ..line };
            bounded(points, pairs, beside, grain).ok()
        })
        .min_by_key(|(dropped, _)| *dropped)
        .map(|(_, segment)| segment)
}

/// Each pair states the offset, up to noise.
fn agreed(points: &Points, pairs: &[Pair], line: Line, grain: Grain) -> Result<Segment, Unfit> {
    let sigma = SIGMA * deviation(&points.all, line);
    let span = points.all.last().map_or(0.0, |p| p.0);
    if 3.0 * sigma > SCATTER_LIMIT + span * (DRIFT_UNSEEN as f64 * 1e-9) / 2.0 {
        return Err(Unfit::Scattered);
    }
    let limit = (4.0 * sigma).max(FLOOR).max(grain.both() as f64);
    let inside: Vec<usize> = (0..pairs.len())
        .filter(|i| line.miss(&points.all[*i]).abs() <= limit)
        .collect();
    if inside.len() < FEWEST {
        return Err(Unfit::TooFew);
    }
    let (first, last) = (
        points.all[inside[0]].0,
        points.all[inside[inside.len() - 1]].0,
    );
    if line.slope != 0.0 && (inside.len() < DRIFT_PAIRS || last - first < DRIFT_SPAN) {
        // What is left shows no drift by itself.
        return agreed(points, pairs, constant(&points.all), grain);
    }
    let mut misses: Vec<f64> = inside
        .iter()
        .map(|i| line.miss(&points.all[*i]).abs())
        .collect();
    misses.sort_unstable_by(f64::total_cmp);
    let sigma = SIGMA * misses[misses.len() / 2];
    // A handful cannot show its own tails.
    let tail = match misses.len() {
        n @ ..8 => 2.0 * misses[n - 1],
        n @ 8..20 => misses[n - 1],
        n => misses[n * 95 / 100],
    };
    let spread = (3.0 * sigma).max(tail).max(grain.both() as f64);
    let mut uncertainty = (spread + WAIT).max(FLOOR);
    let mut growth = DRIFT_UNSEEN;
    if line.slope != 0.0 {
        // What the ends of the line may be off by, and its direction.
        let ends = 5.0 * sigma / (inside.len() as f64).sqrt();
        uncertainty += ends;
        growth += (2.0 * ends / span.max(1.0) * 1e9).ceil() as i64;
    }
    Ok(segment(points, pairs, &inside, line, uncertainty, growth))
}

/// Each pair bounds the offset: a time cut to whole units lies up to a unit before the moment.
/// Also gives how many pairs had to be left out.
fn bounded(
    points: &Points,
    pairs: &[Pair],
    line: Line,
    grain: Grain,
) -> Result<(usize, Segment), Unfit> {
    // A wait of a few milliseconds between packet and row also moves the bounds.
    let (down, up) = (grain.reference as f64 + FLOOR, grain.clock as f64 + FLOOR);
    let centre = |i: usize| line.miss(&points.all[i]) + line.base;
    let mut inside: Vec<usize> = (0..pairs.len()).collect();
    inside.sort_by(|a, b| centre(*a).total_cmp(&centre(*b)));
    let droppable = pairs.len() / 10;
    let (mut lowest, mut highest, mut dropped) = (0, inside.len() - 1, 0);
    // The offset is at least what the highest pair says, and at most what the lowest does.
    let width = |lowest: usize, highest: usize| {
        (centre(inside[lowest]) + up) - (centre(inside[highest]) - down)
    };
    while width(lowest, highest) < 0.0 {
        if dropped >= droppable || highest - lowest < FEWEST {
            return Err(Unfit::Scattered);
        }
        dropped += 1;
        // The pair that stands further apart from its neighbour.
        let low = centre(inside[lowest + 1]) - centre(inside[lowest]);
        let high = centre(inside[highest]) - centre(inside[highest - 1]);
        if low > high {
            lowest += 1;
        } else {
            highest -= 1;
        }
    }
    let (from, to) = (centre(inside[highest]) - down, centre(inside[lowest]) + up);
    let mut half = (to - from) / 2.0;
    let mut kept = inside[lowest..=highest].to_vec();
    kept.sort_unstable();
    if kept.len() < FEWEST {
        return Err(Unfit::TooFew);
    }
    let unit = grain.both() as f64;
    let span = points.all.last().map_or(0.0, |p| p.0);
    let mut growth = DRIFT_UNSEEN;
    if line.slope == 0.0 {
        // A drift too small to show still moves the offset by this much.
        half += (span * DRIFT_UNSEEN as f64 * 1e-9).min(unit);
    } else {
        // Four standard errors of the slope, at the ends of the line.
        let ends = 4.0 * unit / (kept.len().min(SLOPE_POINTS) as f64).sqrt();
        half += ends;
        growth += (2.0 * ends / span.max(1.0) * 1e9).ceil() as i64;
    }
    let middle = Line {
        base: f64::midpoint(from, to),
        slope: line.slope,
    };
    Ok((
        dropped,
        segment(points, pairs, &kept, middle, half.max(FLOOR), growth),
    ))
}

/// Too few pairs to show the drift that keeps their bounds apart: all that they leave possible.
fn loose(points: &Points, pairs: &[Pair], grain: Grain) -> Result<Segment, Unfit> {
    let deltas = || points.all.iter().map(|p| p.1);
    let lowest = deltas().min_by(f64::total_cmp).unwrap_or(0.0);
    let highest = deltas().max_by(f64::total_cmp).unwrap_or(0.0);
    let span = points.all.last().map_or(0.0, |p| p.0);
    let unit = grain.both() as f64;
    if highest - lowest > unit + span * DRIFT_UNSEEN as f64 * 1e-9 + 2.0 * FLOOR {
        return Err(Unfit::Scattered);
    }
    let (from, to) = (
        lowest - grain.reference as f64,
        highest + grain.clock as f64,
    );
    let middle = Line {
        base: f64::midpoint(from, to),
        slope: 0.0,
    };
    let all: Vec<usize> = (0..pairs.len()).collect();
    Ok(segment(
        points,
        pairs,
        &all,
        middle,
        (to - from) / 2.0 + FLOOR,
        DRIFT_UNSEEN,
    ))
}

fn segment(
    points: &Points,
    pairs: &[Pair],
    inside: &[usize],
    line: Line,
    uncertainty: f64,
    growth: i64,
) -> Segment {
    // A backward step does not happen inside a segment, so order of reference is order of clock,
    // up to noise.
    let clocks = || inside.iter().map(|i| pairs[*i].clock);
    let from = clocks().min().unwrap_or(points.first);
    let to = clocks().max().unwrap_or(points.first);
    let lead = from.0.saturating_sub(points.first.0) as f64;
    let offset = points
        .base
        .saturating_add((line.base + line.slope * lead).round() as i64);
    Segment {
        from,
        to,
        offset: Span(offset),
        drift: (line.slope * 1e9).round() as i64,
        uncertainty: Span(uncertainty.ceil() as i64),
        growth,
        anchors: inside.len() as u64,
    }
}
