//! The settings of AN1376.

use crate::model::Span;

crate::settings! {
    /// How AN1376 decides.
    pub struct FallbackSettings {
        /// Longest time from the last sign of the disruption to the first use of the new channel.
        "TimeWindow" time_window: Span = Span::seconds(900), in [Span::seconds(1), Span::seconds(2_592_000)], profiles [Strict: Span::seconds(300), Sensitive: Span::seconds(3_600)], from "ATT&CK AN1376; implants wait from 60 s (TAINTEDSCRIBE) to days (Ebury)";
        /// Connections with payload both ways that make a relation established.
        "MinPrior" min_prior: u32 = 3, in [1, 1_000], from "casewire";
        /// Contacts that make a rhythm.
        "MinBeacon" min_beacon: u32 = 4, in [4, 1_000], from "RITA: at least 4 connections";
        /// One connection at least this long makes a relation established.
        "LongConnection" long_connection: Span = Span::seconds(60), in [Span::seconds(1), Span::seconds(86_400)], from "casewire";
        /// Failures in a row that are a disruption.
        "MinFail" min_fail: u32 = 3, in [1, 1_000], profiles [Strict: 5, Sensitive: 2], from "casewire; OilBooster falls back after 10";
        /// Beats of a rhythm that must be missing.
        "MissingBeats" missing_beats: u32 = 3, in [2, 100], from "casewire";
        /// Rhythm from which a relation counts as a beacon, in hundredths.
        "BeaconScore" beacon_score: u32 = 75, in [1, 100], from "RITA: the band from 75 is high";
        /// Ports on which a new connection is ordinary.
        "CommonPorts" common_ports: Vec<u16> = vec![53, 80, 123, 135, 137, 138, 139, 389, 443, 445, 464, 587, 636, 853, 993, 995, 3268, 3269, 3389, 5985, 5986, 8080, 8443], from "casewire; ATT&CK AN1376 names DestinationPort as tunable";
        /// Hosts, or programs, that must use a port before it counts as common here.
        "LearnedPortUsers" learned_port_users: u32 = 3, in [1, 10_000], from "casewire";
        /// Median interval below which contacts are bursts of one activity and no rhythm.
        "MinBeat" min_beat: Span = Span::seconds(2), in [Span::ZERO, Span::seconds(3_600)], from "casewire; implants sleep for seconds to hours";
        /// Silence shorter than this is none, whatever the rhythm.
        "MinSilence" min_silence: Span = Span::seconds(60), in [Span::ZERO, Span::seconds(86_400)], from "casewire";
        /// A program that had at least this many remotes talks to anybody: a browser, a mail client.
        "ManyRemotes" many_remotes: u32 = 20, in [1, 100_000], from "casewire";
        /// Programs whose change of channel is expected (file name); findings stay at info.
        "ProcessName" process_allow: Vec<String> = Vec::new(), from "ATT&CK AN1376: filter benign applications";
        /// Share of the payload that goes out, in hundredths, above which the new channel may carry data away.
        "DataVolumeRatio" data_volume_ratio: u32 = 90, in [50, 100], from "ATT&CK AN1376; AN1254: more than 90 %";
        /// Payload bytes the new channel must have sent before the ratio counts.
        "DataVolumeFloor" data_volume_floor: u32 = 10_000, in [0, 4_000_000_000], from "casewire";
        /// History before the disruption that makes the baseline thick enough.
        "MinBaseline" min_baseline: Span = Span::seconds(86_400), in [Span::ZERO, Span::seconds(31_536_000)], from "casewire; vendors train for 14 to 30 days";
        /// Process starts that make it thick enough as well.
        "MinExecutions" min_executions: u32 = 50, in [0, 1_000_000], from "casewire";
        /// Programs that fail in the same minute: the network is down, not a channel.
        "OutageProcesses" outage_processes: u32 = 5, in [2, 1_000], from "casewire";
        /// Hosts that lose all other remotes at once: the environment is down, not a channel.
        "OutageHosts" outage_hosts: u32 = 3, in [2, 10_000], from "casewire";
        /// Distinct new endpoints of one process within the window above which it is a scanner or a monitor.
        "MaxNewEndpoints" max_new_endpoints: u32 = 20, in [1, 100_000], from "casewire";
    }
}
