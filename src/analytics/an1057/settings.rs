//! The settings of AN1057.

use crate::model::Span;

crate::settings! {
    /// How AN1057 decides.
    pub struct EnumerationSettings {
        /// The window of correlation: of the rate of targets, of sequences, of a tool's connections.
        "TimeWindow" time_window: Span = Span::seconds(60), in [Span::seconds(1), Span::seconds(3_600)], profiles [Sensitive: Span::seconds(120)], from "ATT&CK AN1057: 60 s";
        /// Distinct addresses on one port within TimeWindow, of which at least half fail.
        "ScanRateThreshold" scan_rate: u32 = 15, in [3, 500], profiles [Strict: 25, Sensitive: 10], from "ATT&CK AN1057 names it; 15 is casewire's";
        /// Programs that may scan, as name.exe or name.exe@HOST. A finding about them is kept at info.
        "KnownScannerExeList" known_scanners: Vec<String> = Vec::new(), from "ATT&CK AN1057";
        /// The window in which failures are counted.
        "FailureWindow" failure_window: Span = Span::seconds(300), in [Span::seconds(1), Span::seconds(3_600)], from "Zeek scan detection: 5 min";
        /// Distinct addresses on one port that fail within FailureWindow.
        "HorizontalFailures" horizontal_failures: u32 = 25, in [3, 500], profiles [Strict: 50, Sensitive: 15], from "Zeek scan detection: 25";
        /// Distinct internal addresses on one port within SweepWindow, whatever their outcome.
        "HorizontalTargets" horizontal_targets: u32 = 100, in [5, 500], profiles [Strict: 250], from "Elastic network sweep: 100";
        /// The window of HorizontalTargets.
        "SweepWindow" sweep_window: Span = Span::seconds(540), in [Span::seconds(1), Span::seconds(3_600)], from "Elastic network sweep: 9 min";
        /// Distinct ports of one address that fail within FailureWindow.
        "VerticalFailures" vertical_failures: u32 = 15, in [3, 500], profiles [Strict: 30, Sensitive: 10], from "Zeek scan detection: 15";
        /// Distinct ports of one address within TimeWindow, whatever their outcome.
        "VerticalPorts" vertical_ports: u32 = 50, in [5, 500], from "Elastic port scan: 50 in 1 min";
        /// Distinct ports out of SensitivePorts at one address within TimeWindow.
        "SensitiveCount" sensitive_count: u32 = 5, in [2, 64], from "Elastic port scan: 5";
        /// TCP ports of services that are worth finding.
        "SensitivePorts" sensitive_ports: Vec<u16> = vec![21, 22, 23, 53, 88, 139, 389, 445, 3389, 5900, 5985, 5986, 9389], from "Elastic port scan";
        /// Distinct addresses asked for on the segment (ARP, neighbour discovery) within TimeWindow.
        "SegmentSweep" segment_sweep: u32 = 20, in [3, 500], from "casewire";
        /// First contacts that make a sequence.
        "SequenceLength" sequence_length: u32 = 10, in [4, 250], from "casewire";
        /// Share of consecutive first contacts that are neighbours by address, in percent.
        "SequenceShare" sequence_share: u32 = 70, in [10, 100], from "casewire";
        /// Failed addresses from which a random walk alone is more than information.
        "WalkTargets" walk_targets: u32 = 8, in [4, 500], from "casewire";
        /// Targets of a program that matches a scanner's name or command within TimeWindow.
        "ToolTargets" tool_targets: u32 = 5, in [1, 500], from "casewire";
        /// Earlier days on which a host completed connections to a port of an address, and the same program used that port, before that is a usual target.
        "UsualDays" usual_days: u32 = 3, in [1, 30], from "casewire";
    }
}
