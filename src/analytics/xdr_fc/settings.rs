//! The settings of XDR-FC.

use crate::model::Span;

const DAY: i64 = 86_400;

crate::settings! {
    /// How XDR-FC decides.
    pub struct FailedConnectionsSettings {
        /// Days of a source's own past that make a baseline; with fewer, a finding is informational.
        "ActivationPeriod" activation: Span = Span::seconds(14 * DAY), in [Span::seconds(DAY), Span::seconds(60 * DAY)], from "Cortex XDR, Failed Connections: 14 days";
        /// Days of the past a source is compared with.
        "TrainingPeriod" training: Span = Span::seconds(30 * DAY), in [Span::seconds(DAY), Span::seconds(30 * DAY)], from "Cortex XDR, Failed Connections: 30 days";
        /// The sliding window in which failures are counted.
        "TestPeriod" test: Span = Span::seconds(DAY), in [Span::seconds(600), Span::seconds(7 * DAY)], from "Cortex XDR, Failed Connections: 1 day";
        /// After a finding, further failures of the same source are added to it for this long.
        "DeduplicationPeriod" dedup: Span = Span::seconds(DAY), in [Span::seconds(600), Span::seconds(7 * DAY)], from "Cortex XDR, Failed Connections: 1 day";
        /// Missing targets below which no count is abnormal.
        "MinTargets" min_targets: u32 = 10, in [2, 10_000], profiles [Strict: 20, Sensitive: 5], from "casewire; keeps 3 against 0 from being an alarm";
        /// Missing targets needed where there is nothing to compare with.
        "ShortHistoryTargets" short_targets: u32 = 25, in [2, 10_000], profiles [Strict: 50, Sensitive: 15], from "Zeek misc/scan addr_scan_threshold: 25";
        /// Robust deviations above the usual count, in thousandths.
        "DeviationMilli" z_milli: u32 = 6_000, in [1_000, 100_000], from "casewire";
        /// Smallest power of ten that still is abnormal: 4 for a chance of at most 1 in 10,000, after Benjamini and Hochberg over all sources.
        "RarityExponent" exponent: u32 = 4, in [1, 12], from "casewire";
        /// Days in a row with that many missing targets after which a source counts as a long-running scanner.
        "ScannerDays" scanner_days: u32 = 7, in [1, 30], from "casewire; the vendor says a long consecutive period";
        /// Evidence needed before a first failure can be called one to a host never seen.
        "WarmUp" warm_up: Span = Span::seconds(3_600), in [Span::ZERO, Span::seconds(7 * DAY)], from "casewire";
        /// Failing Internet addresses, none of them named by a lookup, that are told for information; 0 for never.
        "OutsideTargets" outside_targets: u32 = 25, in [0, 10_000], from "Zeek misc/scan addr_scan_threshold: 25";
    }
}

impl FailedConnectionsSettings {
    /// The largest chance that still is abnormal.
    pub fn rarity(&self) -> f64 {
        10_f64.powi(-(self.exponent.min(12) as i32))
    }

    /// The smallest robust deviation that is abnormal.
    pub fn z(&self) -> f64 {
        f64::from(self.z_milli) / 1_000.0
    }
}
