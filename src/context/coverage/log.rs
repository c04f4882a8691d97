//! The logs that coverage tells apart.

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
    /// Any other.
    Other,
}

impl Log {
    /// The log of a channel.
    pub fn of(channel: &str) -> Self {
        let channel = channel.to_ascii_lowercase();
        match channel.as_str() {
            "security" => Self::Security,
            "system" => Self::System,
            // Its neighbours ConnectionSecurity and FirewallDiagnostics hold other things.
            "microsoft-windows-windows firewall with advanced security/firewall" => Self::Firewall,
            c if c.starts_with("microsoft-windows-sysmon/") => Self::Sysmon,
            c if c.contains("powershell") => Self::PowerShell,
            _ => Self::Other,
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
    }
}
