//! How long each capture went on listening, so that silence is told only where someone listened.
//!
//! A capture that has ended hears nothing more, however long another one goes on: another day's, or
//! another sensor's. A file that begins where one ended is taken for the next of a rotation. What
//! happens inside a file is not looked at here: packets do not tell a pause from a quiet network.

use crate::model::{EvidenceId, Span, Timestamp};

/// A rotation loses at most this much between two files.
const ROTATION: Span = Span::seconds(1);
/// And its packets may be out of order by this much; files that overlap by more are of two sensors.
const OVERLAP: Span = Span::millis(50);

/// From the first packet of a file to its last so far.
#[derive(Clone, Copy, Debug)]
struct Heard {
    first: Timestamp,
    last: Timestamp,
    over: bool,
}

/// The captures read so far.
#[derive(Debug, Default)]
pub(super) struct Listening {
    /// By number of the file.
    files: Vec<Option<Heard>>,
}

impl Listening {
    /// Notes a packet.
    #[inline]
    pub(super) fn packet(&mut self, evidence: EvidenceId, time: Timestamp) {
        let place = evidence.0 as usize;
        if let Some(Some(heard)) = self.files.get_mut(place) {
            heard.last = heard.last.max(time);
            heard.first = heard.first.min(time);
        } else {
            self.begin(place, time);
        }
    }

    #[cold]
    fn begin(&mut self, place: usize, time: Timestamp) {
        if self.files.len() <= place {
            self.files.resize(place + 1, None);
        }
        self.files[place] = Some(Heard {
            first: time,
            last: time,
            over: false,
        });
    }

    /// Notes that a file has ended; `last` is the time of its last frame, if one had a time.
    pub(super) fn ended(&mut self, evidence: EvidenceId, last: Option<Timestamp>) {
        if let Some(time) = last {
            self.packet(evidence, time);
        }
        if let Some(Some(heard)) = self.files.get_mut(evidence.0 as usize) {
            heard.over = true;
        }
    }

    /// True for two files of one time: they are of two sensors, and each has a clock of its own. What one
    /// sensor writes into several files lies one after the other.
    pub(super) fn side_by_side(&self, one: EvidenceId, other: EvidenceId) -> bool {
        let heard = |file: EvidenceId| self.files.get(file.0 as usize).copied().flatten();
        let (Some(a), Some(b)) = (heard(one), heard(other)) else {
            return false;
        };
        one != other && a.first <= b.last && b.first <= a.last
    }

    /// Of two files the one that began first: an excerpt begins later than the whole.
    pub(super) fn begun_first(&self, one: EvidenceId, other: EvidenceId) -> EvidenceId {
        let begin = |file: EvidenceId| {
            let heard = self.files.get(file.0 as usize).copied().flatten();
            (heard.map_or(Timestamp::MAX, |heard| heard.first), file)
        };
        if begin(other) < begin(one) {
            other
        } else {
            one
        }
    }

    /// Until when someone listened to what `evidence` began and `last` went on, `watched` at most.
    pub(super) fn until(
        &self,
        evidence: EvidenceId,
        last: Timestamp,
        watched: Timestamp,
    ) -> Timestamp {
        let mut place = evidence.0 as usize;
        if let Some(Some(began)) = self.files.get(place)
            && began.over
            && began.last < last
        {
            // What was seen again later was seen in another file.
            place = self
                .longest(|f| f.first <= last && last <= f.last)
                .unwrap_or(place);
        }
        // Each step goes to a file that ends later, so there are no more than files.
        for _ in 0..=self.files.len() {
            let Some(Some(heard)) = self.files.get(place) else {
                return watched;
            };
            if !heard.over || heard.last >= watched {
                return watched;
            }
            // The file that goes on where this one ended.
            let next = self.longest(|f| {
                (Span(-OVERLAP.0)..=ROTATION).contains(&f.first.since(heard.last))
                    && f.first > heard.first
                    && (f.last > heard.last || !f.over)
            });
            match next {
                Some(next) => place = next,
                None => return heard.last,
            }
        }
        watched
    }

    /// Of these files the one that goes on longest.
    fn longest(&self, of: impl Fn(&Heard) -> bool) -> Option<usize> {
        let files = self.files.iter().enumerate();
        files
            .filter_map(|(place, heard)| Some((place, heard.as_ref().filter(|h| of(h))?)))
            .max_by_key(|(place, heard)| (!heard.over, heard.last, std::cmp::Reverse(*place)))
            .map(|(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp(ms * 1_000_000)
    }

    fn of(files: &[(u32, i64, i64, bool)]) -> Listening {
        let mut listening = Listening::default();
        for (file, first, last, over) in files {
            listening.packet(EvidenceId(*file), at(*first));
            listening.packet(EvidenceId(*file), at(*last));
            if *over {
                listening.ended(EvidenceId(*file), None);
            }
        }
        listening
    }

    fn until(listening: &Listening, file: u32, ms: i64) -> i64 {
        listening.until(EvidenceId(file), at(0), at(ms)).0 / 1_000_000
    }

    #[test]
    fn nobody_listens_after_the_end_of_a_file_whatever_other_files_go_on() {
        let two = of(&[(1, 0, 1_000, true), (2, 500, 90_000, true)]);
        assert_eq!(until(&two, 1, 21_000), 1_000, "another sensor goes on");
        assert_eq!(until(&two, 2, 21_000), 21_000);
        let years = of(&[(1, 0, 1_000, true), (2, 900_000, 990_000, false)]);
        assert_eq!(until(&years, 1, 21_000), 1_000, "another day's capture");
    }

    #[test]
    fn a_file_that_is_still_read_listens() {
        assert_eq!(until(&of(&[(1, 0, 1_000, false)]), 1, 21_000), 21_000);
        assert_eq!(until(&Listening::default(), 7, 5), 5);
    }

    #[test]
    fn a_rotation_goes_on_from_file_to_file() {
        let three = [
            (3, 0, 1_000, true),
            (1, 2_000, 5_000, true),
            (2, 5_001, 9_000, true),
        ];
        assert_eq!(until(&of(&three), 3, 21_000), 9_000);
        let late = [(1, 0, 1_000, true), (2, 2_001, 9_000, true)];
        assert_eq!(
            until(&of(&late), 1, 21_000),
            1_000,
            "more than a second is a pause"
        );
    }

    #[test]
    fn files_of_one_moment_do_not_go_round_in_a_circle() {
        let same = [(1, 0, 0, true), (2, 0, 0, true), (3, 0, 1, true)];
        assert_eq!(until(&of(&same), 1, 21_000), 0);
    }

    #[test]
    fn a_frame_without_ip_shows_that_the_file_went_on() {
        let mut one = of(&[(1, 0, 1_000, false)]);
        one.ended(EvidenceId(1), Some(at(8_000)));
        assert_eq!(until(&one, 1, 21_000), 8_000);
    }
}
