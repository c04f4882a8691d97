//! The logs that coverage tells apart.

use crate::eventlog::forms::FIREWALL_TEXT;
use crate::model::host_event::Verdict;

/// A log, as coverage tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Log {
    /// Security.
    Security,
    /// Microsoft-Windows-Sysmon/Operational.
    Sysmon,
    /// Microsoft-Windows-Windows Firewall With Advanced Security/Firewall.
    Firewall,
    /// System.
    System,
    /// PowerShell operational.
    PowerShell,
    /// The Windows Firewall's own text log. Its rows have no ids; each counts as the audit event that
    /// says the same, see [`Log::id_of_row`].
    FirewallText,
    /// Any other.
    Other,
}

impl Log {
    /// The log of a channel.
    pub fn of(channel: &str) -> Self {
        // Asked for every event: no copy of the name is made.
        let holds = |word: &str| {
            let mut places = channel.as_bytes().windows(word.len());
            places.any(|place| place.eq_ignore_ascii_case(word.as_bytes()))
        };
        let begins = |word: &str| {
            let begin = channel.as_bytes().get(..word.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
        };
        match channel {
            c if c.eq_ignore_ascii_case("security") => Self::Security,
            c if c.eq_ignore_ascii_case("system") => Self::System,
            // Its neighbours ConnectionSecurity and FirewallDiagnostics hold other things.
            c if c.eq_ignore_ascii_case(
                "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",
            ) =>
            {
                Self::Firewall
            }
            FIREWALL_TEXT => Self::FirewallText,
            _ if begins("microsoft-windows-sysmon/") => Self::Sysmon,
            _ if holds("powershell") => Self::PowerShell,
            _ => Self::Other,
        }
    }

    /// The id that a row of the firewall's text log counts as: 5152 for a drop, 5156 for a connection.
    pub fn id_of_row(verdict: Verdict) -> u32 {
        match verdict {
            Verdict::Permitted => 5156,
            _ => 5152,
        }
    }

    /// As people name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Security => "Security",
            Self::Sysmon => "Sysmon",
            Self::Firewall => "Firewall",
            Self::System => "System",
            Self::PowerShell => "PowerShell",
            Self::FirewallText => "pfirewall",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neighbours_of_the_firewall_channel_are_other_logs() {
        let firewall = "Microsoft-Windows-Windows Firewall With Advanced Security/";
        assert_eq!(Log::of(&format!("{firewall}Firewall")), Log::Firewall);
        assert_eq!(
            Log::of(&format!("{firewall}ConnectionSecurity")),
            Log::Other
        );
        assert_eq!(Log::of("SECURITY"), Log::Security);
        assert_eq!(Log::of("Microsoft-Windows-Sysmon/Operational"), Log::Sysmon);
        assert_eq!(Log::of("Windows PowerShell"), Log::PowerShell);
        assert_eq!(Log::of("pfirewall.log"), Log::FirewallText);
    }
}
