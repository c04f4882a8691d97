//! The settings of AN1448.

use crate::analytics::kit::door::DoorRules;
use crate::analytics::kit::knock::KnockRules;
use crate::analytics::kit::picture::LINGER;
use crate::analytics::params::DayWindow;
use crate::context::{Context, Place};
use crate::model::Span;

crate::settings! {
    /// How AN1448 decides.
    pub struct SignallingSettings {
        /// Longest time from the first touch through the change to the connection.
        "TimeWindowKnock" time_window: Span = Span::seconds(120), in [Span::seconds(1), Span::seconds(86_400)], profiles [Strict: Span::seconds(60), Sensitive: Span::seconds(300)], from "ATT&CK AN1448: 120 s";
        /// Distinct closed ports before the success.
        "PortSequenceMinLen" min_sequence_len: u32 = 3, in [2, 32], profiles [Strict: 4, Sensitive: 2], from "ATT&CK AN1448: 3";
        /// Programs that commonly toggle the firewall; they raise the score.
        "SuspiciousProcesses" suspicious_processes: Vec<String> = ["netsh.exe", "powershell.exe", "pwsh.exe", "wmiprvse.exe", "rundll32.exe"].map(str::to_owned).to_vec(), from "ATT&CK AN1448";
        /// Programs or accounts (as the record names them: mostly a SID) that may change the firewall. A finding is kept at info where every change of the firewall it rests on was made by one of them.
        "AllowedFirewallChangers" allowed_firewall_changers: Vec<String> = Vec::new(), from "ATT&CK AN1448";
        /// Daily windows (UTC, as 22:00-23:00) in which magic packets are expected; signals inside are kept at info.
        "WoLAllowedWindows" wol_allowed_windows: Vec<DayWindow> = Vec::new(), from "ATT&CK AN1448";
        /// Senders (IP or MAC addresses) that may wake hosts; their signals are kept at info.
        "WoLAllowedSenders" wol_allowed_senders: Vec<String> = Vec::new(), from "casewire";
        /// Share of touches that must be refused in so many words (RST, ICMP), in percent. Default Windows refuses nothing, so anything above 0 is blind there.
        "KnockResetRatio" knock_reset_ratio: u32 = 0, in [0, 100], from "ATT&CK AN1449";
        /// Longest time between two consecutive touches.
        "KnockTolerance" knock_tolerance: Span = Span::seconds(15), in [Span::millis(1), Span::seconds(3_600)], profiles [Strict: Span::seconds(5), Sensitive: Span::seconds(30)], from "ATT&CK AN0843";
        /// Longest time from the first touch to the last.
        "KnockSpan" knock_span: Span = Span::seconds(25), in [Span::millis(1), Span::seconds(3_600)], profiles [Sensitive: Span::seconds(120)], from "knockd SEQ_TIMEOUT 25 s";
        /// More distinct closed ports than this is a scan, not a signal.
        "MaxSequenceLen" max_sequence_len: u32 = 32, in [2, 60], from "knockd SEQ_MAX 32";
        /// How long before the arming touch a change may be logged and still count as after it.
        "ChangeSlack" change_slack: Span = Span::seconds(2), in [Span::ZERO, Span::seconds(60)], from "casewire";
        /// Distinct hosts one sender wakes within MassWakeWindow to be a mass wake.
        "MassWakeTargets" mass_wake_targets: u32 = 5, in [2, 10_000], profiles [Strict: 10, Sensitive: 3], from "casewire";
        /// The window of a mass wake.
        "MassWakeWindow" mass_wake_window: Span = Span::seconds(60), in [Span::seconds(1), Span::seconds(86_400)], from "casewire";
        /// A host that starts or announces itself within this time after a signal woke.
        "WakeWithin" wake_within: Span = Span::seconds(180), in [Span::seconds(1), Span::seconds(3_600)], from "casewire";
        /// An administrative connection from the sender within this time after the signal.
        "AdminWithin" admin_within: Span = Span::seconds(600), in [Span::seconds(1), Span::seconds(86_400)], from "casewire";
        /// Administrative ports.
        "AdminPorts" admin_ports: Vec<u16> = vec![135, 445, 3389, 5985, 5986], from "casewire";
    }
}

impl SignallingSettings {
    /// How the door is watched under these settings.
    pub fn door(&self, place: Place, context: &Context) -> DoorRules {
        DoorRules {
            knock: KnockRules {
                min_ports: self.min_sequence_len as usize,
                max_ports: self.max_sequence_len as usize,
                span: self.knock_span,
                gap: self.knock_tolerance,
                udp_counts: true,
            },
            window: self.time_window,
            slack: self.change_slack,
            doubt: context.clocks.doubt(place),
            linger: LINGER,
        }
    }
}
