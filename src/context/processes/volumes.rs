//! Which volume is which drive, learnt where one process is named in both spellings.
//!
//! A volume's number may change when the machine starts anew; a volume that was seen to be two
//! drives is none.

use crate::eventlog::normalise::image::{drive, image_key, volume};
use crate::model::{Text, Timestamp};
use std::collections::BTreeMap;

/// Processes remembered by their path on a volume, per host: each may prove a drive.
const SAMPLES: usize = 2048;

/// Paths on volumes, to be joined with starts of the same process.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    by_process: BTreeMap<(u32, u32), (Timestamp, Text)>,
}

impl Samples {
    /// Takes in that `pid` was said to run `image` at `time`.
    pub fn add(&mut self, pid: u32, image: &Text, time: Timestamp) {
        let Some((number, _)) = volume(image) else {
            return;
        };
        let key = (number, pid);
        if self.by_process.len() < SAMPLES && !self.by_process.contains_key(&key) {
            self.by_process.insert(key, (time, image.clone()));
        }
    }

    pub fn merge(&mut self, other: Self) {
        for (key, sample) in other.by_process {
            if self.by_process.len() >= SAMPLES && !self.by_process.contains_key(&key) {
                continue;
            }
            let held = self.by_process.entry(key).or_insert_with(|| sample.clone());
            if sample < *held {
                *held = sample;
            }
        }
    }

    /// Corrects every time.
    pub fn retime(&mut self, correct: impl Fn(Timestamp) -> Timestamp) {
        let all = self.by_process.values_mut();
        all.for_each(|(time, _)| *time = correct(*time));
    }

    /// Process id, time and path of each.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Timestamp, &Text)> {
        let all = self.by_process.iter();
        all.map(|((_, pid), (time, image))| (*pid, *time, image))
    }
}

/// The drives of the volumes.
#[derive(Clone, Debug, Default)]
pub(super) struct Volumes {
    drives: BTreeMap<u32, Option<char>>,
}

impl Volumes {
    /// Takes in that both paths are the image of one process.
    pub fn learn(&mut self, on_volume: &str, on_drive: &str) {
        let (Some((number, rest)), Some(letter)) = (volume(on_volume), drive(on_drive)) else {
            return;
        };
        if rest.to_lowercase() == image_key(on_drive) {
            let held = self.drives.entry(number).or_insert(Some(letter));
            if *held != Some(letter) {
                *held = None;
            }
        }
    }

    pub fn drive(&self, number: u32) -> Option<char> {
        self.drives.get(&number).copied().flatten()
    }
}
