//! Which sight on one side belongs to which on the other, without knowing the offset.
//!
//! A connection that both sides saw votes for one offset; a reused one votes for several. True
//! votes lie on a line that is straight for hours, false ones lie anywhere. Votes are strung into
//! tracks along the reference's time, the largest tracks that do not contradict each other are kept,
//! and where two contradict each other with similar weight, nothing is: that is not one run, or not
//! one clock.

use super::fit::{FEWEST, Pair};
use super::sample::Sight;
use crate::model::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Offsets beyond this are not sought.
const FURTHEST: i64 = 30 * 86_400 * 1_000_000_000;
/// Sights of one connection closer than this are one: a row per retry, a row written again.
const EPISODE: Span = Span::seconds(150);
/// Sights of one connection that vote, on either side.
const VOTING: usize = 4;
/// How far a vote may lie from its track: this, and more the longer ago the track's last vote was.
const NEAR: i64 = 250_000_000;
const NEAR_PER_SECOND: i64 = 300_000;
const NEAR_AT_MOST: i64 = 10_000_000_000;
/// Votes whose middle a track is known by.
const RECENT: usize = 5;
/// Votes before and after one of which some must be of the same track.
const BESIDE: usize = 4;

/// A clock that steps more often than this is not followed.
const STEPS_AT_MOST: usize = 64;

/// Why no offset could be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpaired {
    /// Both sides share no connection.
    Nothing,
    /// Too few connections agree: how many did, and on what.
    TooFew(u64, Option<Span>),
    /// Two offsets are supported alike.
    Contradicting(Span, Span),
    /// Most shared connections disagree: these are not two views of one run.
    Disagreeing,
}

/// Pairs of one track, in order of the reference.
pub type Track = Vec<Pair>;

#[derive(Clone, Copy, Debug)]
struct Vote {
    pair: Pair,
    key: u64,
}

struct Open {
    votes: Vec<Vote>,
    recent: [i64; RECENT],
    last: Timestamp,
}

impl Open {
    fn middle(&self) -> i64 {
        let n = self.votes.len().min(RECENT);
        let mut recent = self.recent;
        recent[..n].sort_unstable();
        recent[n / 2]
    }

    /// How far the last votes lie apart: after a long pause a drift shows.
    fn spread(&self) -> i64 {
        let recent = &self.recent[..self.votes.len().min(RECENT)];
        let (least, most) = (recent.iter().min(), recent.iter().max());
        least
            .zip(most)
            .map_or(0, |(least, most)| most.saturating_sub(*least))
            .min(NEAR_AT_MOST)
    }

    fn push(&mut self, vote: Vote) {
        self.recent[self.votes.len() % RECENT] = vote.pair.delta();
        self.last = vote.pair.reference;
        self.votes.push(vote);
    }
}

/// A track that may be kept.
struct Candidate {
    votes: Vec<Vote>,
    keys: BTreeSet<u64>,
    /// When its votes were, on the reference clock, in order.
    moments: Vec<Timestamp>,
    /// The offset in its middle.
    middle: Span,
}

impl Candidate {
    fn of(votes: Vec<Vote>) -> Self {
        let mut deltas: Vec<i64> = votes.iter().map(|v| v.pair.delta()).collect();
        deltas.sort_unstable();
        let mut moments: Vec<Timestamp> = votes.iter().map(|v| v.pair.reference).collect();
        moments.sort_unstable();
        Self {
            keys: votes.iter().map(|v| v.key).collect(),
            moments,
            middle: Span(deltas.get(deltas.len() / 2).copied().unwrap_or(0)),
            votes,
        }
    }

    fn span(&self) -> (Timestamp, Timestamp) {
        let (first, last) = (self.moments.first(), self.moments.last());
        first.copied().zip(last.copied()).unwrap_or_default()
    }

    fn votes_between(&self, from: Timestamp, to: Timestamp) -> usize {
        self.moments.partition_point(|m| *m <= to) - self.moments.partition_point(|m| *m < from)
    }
}

/// Pairs the sights of both sides; each is sorted by connection and time. `slack` widens the reach
/// of a track by what one side's times are cut by. Also tells how many connections both sides saw.
///
/// # Errors
/// See `Unpaired`.
pub fn pair(
    clock: &[Sight],
    reference: &[Sight],
    slack: Span,
) -> Result<(Vec<Track>, usize), Unpaired> {
    let (votes, shared) = votes(clock, reference);
    if shared == 0 {
        return Err(Unpaired::Nothing);
    }
    let mut candidates = tracks(&votes, slack.0.max(0));
    candidates.sort_by(|a, b| {
        b.keys
            .len()
            .cmp(&a.keys.len())
            .then(a.span().cmp(&b.span()))
            .then(a.middle.cmp(&b.middle))
    });
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        match kept.iter().position(|k| rivals(k, &candidate)) {
            None if candidate.keys.len() >= FEWEST => {
                if kept.len() == STEPS_AT_MOST {
                    return Err(Unpaired::Disagreeing);
                }
                kept.push(candidate);
            }
            None => {}
            Some(i) => {
                let (best, other) = (kept[i].keys.len(), candidate.keys.len());
                let apart = kept[i]
                    .middle
                    .0
                    .saturating_sub(candidate.middle.0)
                    .saturating_abs();
                let supported = other * 3 >= best && other >= 2;
                let near = NEAR + slack.0;
                if apart <= near || supported && apart_beside(&kept[i], &candidate) <= near {
                    // A track that fell apart over a few bad votes, or in two where times are coarse.
                    kept[i].votes.extend(candidate.votes);
                    kept[i].keys.extend(candidate.keys);
                    kept[i].moments.extend(candidate.moments);
                    kept[i].moments.sort();
                } else if supported {
                    return Err(Unpaired::Contradicting(kept[i].middle, candidate.middle));
                }
            }
        }
    }
    if kept.is_empty() {
        return Err(few(&votes, slack, shared));
    }
    let agreeing: BTreeSet<u64> = kept.iter().flat_map(|k| k.keys.iter().copied()).collect();
    if agreeing.len() * 2 <= shared {
        return Err(Unpaired::Disagreeing);
    }
    // First: a false vote that took true ones of much later with it would be held against all that lies between.
    without_strays(&mut kept);
    if kept.is_empty() || kept.iter().any(|k| !dominates(k, &agreeing, &votes)) {
        return Err(Unpaired::Disagreeing);
    }
    kept.sort_by_key(|k| (k.moments.get(k.moments.len() / 2).copied(), k.middle));
    let tracks = kept.into_iter().map(|k| one_each(&k)).collect();
    Ok((tracks, shared))
}

/// The first sight of each run that follow each other closely, of sights of one connection.
fn episodes(sights: &[Sight]) -> Vec<Sight> {
    let mut first: Vec<Sight> = Vec::new();
    let mut previous: Option<Timestamp> = None;
    for sight in sights {
        if previous.is_none_or(|p| sight.time.since(p) > EPISODE) {
            first.push(*sight);
            if first.len() == VOTING {
                break;
            }
        }
        previous = Some(sight.time);
    }
    first
}

/// All votes in order of the reference, and how many connections both sides saw.
fn votes(clock: &[Sight], reference: &[Sight]) -> (Vec<Vote>, usize) {
    let mut votes = Vec::new();
    let mut shared = 0;
    let (mut ours, mut theirs) = (clock, reference);
    while let (Some(a), Some(b)) = (ours.first(), theirs.first()) {
        let key = a.key.max(b.key);
        if a.key != b.key {
            ours = &ours[ours.partition_point(|s| s.key < key)..];
            theirs = &theirs[theirs.partition_point(|s| s.key < key)..];
            continue;
        }
        let (a, rest) = ours.split_at(ours.partition_point(|s| s.key <= key));
        ours = rest;
        let (b, rest) = theirs.split_at(theirs.partition_point(|s| s.key <= key));
        theirs = rest;
        let before = votes.len();
        let (a, b) = (episodes(a), episodes(b));
        for a in &a {
            for b in &b {
                let pair = Pair {
                    reference: b.time,
                    clock: a.time,
                };
                if pair.delta().saturating_abs() <= FURTHEST {
                    votes.push(Vote { pair, key });
                }
            }
        }
        shared += usize::from(votes.len() > before);
    }
    votes.sort_by_key(|v| (v.pair, v.key));
    (votes, shared)
}

/// Strings votes into tracks: each goes to the nearest track within reach.
fn tracks(votes: &[Vote], slack: i64) -> Vec<Candidate> {
    let mut open: Vec<Open> = Vec::new();
    let mut by_delta: BTreeMap<(i64, usize), ()> = BTreeMap::new();
    for vote in votes {
        let delta = vote.pair.delta();
        let reach = |track: &Open| {
            let seconds = vote.pair.reference.since(track.last).0 / 1_000_000_000;
            NEAR + slack
                + track.spread()
                + seconds
                    .saturating_mul(NEAR_PER_SECOND)
                    .clamp(0, NEAR_AT_MOST)
        };
        let above = by_delta.range((delta, 0)..).next().map(|(k, ())| *k);
        let below = by_delta.range(..(delta, 0)).next_back().map(|(k, ())| *k);
        let nearest = [below, above]
            .into_iter()
            .flatten()
            .filter(|(middle, i)| middle.saturating_sub(delta).saturating_abs() <= reach(&open[*i]))
            .min_by_key(|(middle, i)| (middle.saturating_sub(delta).saturating_abs(), *i));
        match nearest {
            Some(place) => {
                by_delta.remove(&place);
                let track = &mut open[place.1];
                track.push(*vote);
                by_delta.insert((track.middle(), place.1), ());
            }
            None => {
                let mut track = Open {
                    votes: Vec::new(),
                    recent: [0; RECENT],
                    last: vote.pair.reference,
                };
                track.push(*vote);
                by_delta.insert((delta, open.len()), ());
                open.push(track);
            }
        }
    }
    open.into_iter()
        .filter(|o| o.votes.len() >= 2)
        .map(|open| Candidate::of(open.votes))
        .filter(|c| c.keys.len() >= 2)
        .collect()
}

/// How far the votes of one track are from those of another that lie beside them in time, for the nearer
/// quarter of them. Middles say too much: a clock that gains is far from itself at another time, and one
/// whose times are cut scatters.
fn apart_beside(kept: &Candidate, other: &Candidate) -> i64 {
    let mut there: Vec<Pair> = kept.votes.iter().map(|v| v.pair).collect();
    there.sort_unstable();
    let mut apart: Vec<i64> = Vec::with_capacity(other.votes.len());
    for vote in &other.votes {
        let next = there.partition_point(|pair| pair.reference < vote.pair.reference);
        let beside = [next.checked_sub(1), Some(next)].into_iter().flatten();
        let nearest = beside
            .filter_map(|at| there.get(at))
            .min_by_key(|pair| pair.reference.since(vote.pair.reference).0.saturating_abs());
        if let Some(pair) = nearest {
            apart.push(
                pair.delta()
                    .saturating_sub(vote.pair.delta())
                    .saturating_abs(),
            );
        }
    }
    apart.sort_unstable();
    apart.get(apart.len() / 4).copied().unwrap_or(i64::MAX)
}

/// True if both cannot hold: they claim the same connections or the same time.
fn rivals(kept: &Candidate, other: &Candidate) -> bool {
    let shared = other.keys.intersection(&kept.keys).count();
    let (from, to) = kept.span();
    let overlaps = other.votes_between(from, to) * 2 > other.votes.len();
    // One false vote on a track's line stretches it over time that it does not cover.
    let (from, to) = other.span();
    let covers = kept.votes_between(from, to) * 3 >= other.votes.len();
    let small = other.keys.len() * 10 < kept.keys.len();
    shared * 2 > other.keys.len() || overlaps && (covers || small)
}

/// Takes out votes that lie on a track's line by chance, at a time that is another track's: the track
/// would seem to run for as long. A clock has one offset at a time, so true votes have their like beside
/// them.
fn without_strays(kept: &mut Vec<Candidate>) {
    if kept.len() < 2 {
        return;
    }
    let mut all: Vec<(Timestamp, usize)> = kept
        .iter()
        .enumerate()
        .flat_map(|(track, k)| k.votes.iter().map(move |v| (v.pair.reference, track)))
        .collect();
    all.sort_unstable();
    let alone = |(i, (_, track)): (usize, &(Timestamp, usize))| {
        let (from, to) = (i.saturating_sub(BESIDE), (i + BESIDE + 1).min(all.len()));
        all[from..to].iter().filter(|(_, t)| t == track).count() == 1
    };
    let strays: BTreeSet<(usize, Timestamp)> = all
        .iter()
        .enumerate()
        .filter(|at| alone(*at))
        .map(|(_, (moment, track))| (*track, *moment))
        .collect();
    for (track, k) in kept.iter_mut().enumerate() {
        let votes = std::mem::take(&mut k.votes).into_iter();
        let stays = votes.filter(|v| !strays.contains(&(track, v.pair.reference)));
        *k = Candidate::of(stays.collect());
    }
    kept.retain(|k| k.keys.len() >= FEWEST);
}

/// True if most connections seen while the track runs agree with it, or with another that is kept.
fn dominates(track: &Candidate, agreeing: &BTreeSet<u64>, votes: &[Vote]) -> bool {
    let (from, to) = track.span();
    let during: BTreeSet<u64> = votes[votes.partition_point(|v| v.pair.reference < from)
        ..votes.partition_point(|v| v.pair.reference <= to)]
        .iter()
        .map(|v| v.key)
        .collect();
    let against = during.difference(agreeing).count();
    track.keys.len() * 2 >= against * 3
}

fn few(votes: &[Vote], slack: Span, shared: usize) -> Unpaired {
    let mut deltas: Vec<(i64, u64)> = votes.iter().map(|v| (v.pair.delta(), v.key)).collect();
    deltas.sort_unstable();
    let agree = deltas
        .windows(2)
        .find(|w| w[1].0.saturating_sub(w[0].0) <= NEAR + slack.0 && w[0].1 != w[1].1);
    match agree {
        Some(two) if shared == 2 => {
            Unpaired::TooFew(2, Some(Span(i64::midpoint(two[0].0, two[1].0))))
        }
        _ if shared < FEWEST => {
            Unpaired::TooFew(1, (votes.len() == 1).then(|| Span(votes[0].pair.delta())))
        }
        _ => Unpaired::Disagreeing,
    }
}

/// One pair for each connection and moment: of several, the one nearest to the track's middle.
fn one_each(track: &Candidate) -> Track {
    let middle = track.middle.0;
    let mut best: BTreeMap<(u64, Timestamp), Pair> = BTreeMap::new();
    let off = |p: &Pair| p.delta().saturating_sub(middle).saturating_abs();
    for vote in &track.votes {
        let held = best
            .entry((vote.key, vote.pair.reference))
            .or_insert(vote.pair);
        if off(&vote.pair) < off(held) {
            *held = vote.pair;
        }
    }
    let mut pairs: Vec<Pair> = best.into_values().collect();
    pairs.sort_unstable();
    pairs
}
