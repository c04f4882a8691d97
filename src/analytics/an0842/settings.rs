//! The settings of AN0842.

use crate::analytics::kit::door::DoorRules;
use crate::analytics::kit::knock::KnockRules;
use crate::analytics::kit::picture::LINGER;
use crate::context::{Context, Place};
use crate::model::Span;

crate::settings! {
    /// How AN0842 decides.
    pub struct PortKnockSettings {
        /// Longest time from the first touch to the completed connection.
        "TimeWindow" time_window: Span = Span::seconds(300), in [Span::seconds(1), Span::seconds(86_400)], profiles [Strict: Span::seconds(120), Sensitive: Span::seconds(600)], from "ATT&CK AN0842: 60 to 300 s typical";
        /// Distinct closed ports that make a sequence.
        "MinSequenceLen" min_sequence_len: u32 = 3, in [2, 32], profiles [Strict: 4, Sensitive: 2], from "ATT&CK AN0842: at least 3 by default";
        /// Changers of the firewall that are expected: programs (file name or path) or accounts (as the record names them: mostly a SID). A finding is kept at info where every change of the firewall it rests on was made by one of them.
        "RuleChangeAllowList" rule_change_allow_list: Vec<String> = Vec::new(), from "ATT&CK AN0842";
        /// Ports that raise the score when they open.
        "WatchedPorts" watched_ports: Vec<u16> = vec![22, 23, 2323, 3389, 8022, 8080], from "ATT&CK AN0842";
        /// Longest time between two consecutive touches.
        "KnockTolerance" knock_tolerance: Span = Span::seconds(15), in [Span::millis(1), Span::seconds(3_600)], profiles [Strict: Span::seconds(5), Sensitive: Span::seconds(30)], from "ATT&CK AN0843; knockd examples use 5 to 15 s";
        /// Longest time from the first touch to the last.
        "KnockSpan" knock_span: Span = Span::seconds(25), in [Span::millis(1), Span::seconds(3_600)], profiles [Sensitive: Span::seconds(120)], from "knockd SEQ_TIMEOUT 25 s";
        /// More distinct closed ports than this is a scan, not a knock.
        "MaxSequenceLen" max_sequence_len: u32 = 32, in [2, 60], from "knockd SEQ_MAX 32";
        /// Open ports the source may touch during the sequence, and within KnockTolerance before and after it.
        "MaxExtraOpenPorts" max_extra_open_ports: u32 = 2, in [0, 1_000], profiles [Strict: 0, Sensitive: 5], from "casewire";
        /// How long before the arming touch a change may be logged and still count as after it, beside the uncertainty of the clocks.
        "ChangeSlack" change_slack: Span = Span::seconds(2), in [Span::ZERO, Span::seconds(60)], from "casewire; netsh to effect was measured at 0.1 s";
        /// Count UDP ports into the minimum, if the sequence has an explicit refusal.
        "AllowUdp" allow_udp: bool = false, profiles [Sensitive: true], from "casewire; the source text says SYN";
        /// Programs whose change of the firewall raises the score.
        "SuspiciousProcesses" suspicious_processes: Vec<String> = ["netsh.exe", "powershell.exe", "pwsh.exe", "wmiprvse.exe", "rundll32.exe", "mshta.exe", "wscript.exe", "cscript.exe"].map(str::to_owned).to_vec(), from "ATT&CK AN1448, extended";
    }
}

impl PortKnockSettings {
    /// How the door is watched under these settings.
    pub fn door(&self, place: Place, context: &Context) -> DoorRules {
        DoorRules {
            knock: KnockRules {
                min_ports: self.min_sequence_len as usize,
                max_ports: self.max_sequence_len as usize,
                span: self.knock_span,
                gap: self.knock_tolerance,
                udp_counts: self.allow_udp,
            },
            window: self.time_window,
            slack: self.change_slack,
            doubt: context.clocks.doubt(place),
            linger: LINGER,
        }
    }
}
