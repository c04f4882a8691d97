//! What a Windows host logged, after normalisation.
//!
//! One variant per kind of fact, not per event id: Security 4688 and Sysmon 1 are both
//! `ProcessStarted`. Values keep the evidence's own words; nothing is guessed.

use super::firewall::{Filter, Layer, Rule, RuleChange, RuleSource};
use super::{Direction, Endpoint, Socket, Text, Timestamp, Transport};
use serde::{Deserialize, Serialize};

/// Which clock of a host a record was timed by. Forms that hold local times without their zone, or
/// with a wrong one, have a trap of their own, which must not be mixed into the times of the other
/// logs of the host.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Timed {
    /// The system clock, in UTC.
    #[default]
    Utc,
    /// pfirewall.log: local time in whole seconds.
    FirewallLog,
    /// The PowerShell export: local time marked as UTC, on a clock of 12 hours.
    PowerShell,
    /// NXLog without what tells its zone: local time in whole seconds.
    Nxlog,
}

impl Timed {
    /// All that are local.
    pub const LOCAL: [Self; 3] = [Self::FirewallLog, Self::PowerShell, Self::Nxlog];

    /// The stable word: behind the `@` of `--clock HOST@pfirewall=+2h`, and in sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::Utc => "utc",
            Self::FirewallLog => "pfirewall",
            Self::PowerShell => "powershell-json",
            Self::Nxlog => "nxlog",
        }
    }

    /// True if the zone of the times is not known.
    pub fn is_local(self) -> bool {
        self != Self::Utc
    }
}

/// One logged fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostEvent {
    /// Computer, as the record says.
    pub computer: Text,
    /// Channel, as the record says.
    pub channel: Text,
    /// Provider, as the record says.
    pub provider: Text,
    /// Event id.
    pub event_id: u32,
    /// System/TimeCreated.
    pub written: Timestamp,
    /// Which clock that is of.
    pub timed: Timed,
    /// What it says.
    pub what: HostWhat,
    /// For a record of an outgoing connection, how it stands to other evidence of the same one;
    /// set by attribution.
    #[serde(skip)]
    pub socket: Option<Box<Socket>>,
}

/// A process as one record names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Process id; `None` where the record has none.
    pub pid: Option<u32>,
    /// Sysmon's ProcessGuid.
    pub guid: Option<[u8; 16]>,
    /// Image path as written: a drive path, an NT path, `System` or `-`.
    pub image: Text,
}

/// What a record says of the file a process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageFile {
    /// OriginalFileName of the version resource; empty where not logged.
    pub original_name: Text,
    /// Sysmon's hashes as written, `SHA1=…,MD5=…,SHA256=…,IMPHASH=…`; empty where not logged.
    pub hashes: Text,
}

/// What the Windows Filtering Platform decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// 5156, 5154, 5158.
    Permitted,
    /// 5157, 5155, 5159: a connection, listen or bind was blocked.
    Blocked,
    /// 5152: a packet was dropped.
    Dropped,
    /// 5153: a more restrictive filter blocked a packet.
    DroppedByStricterFilter,
}

/// Service state, from a localised word or a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ServiceState {
    /// Running.
    Running,
    /// Stopped.
    Stopped,
    /// A word in a language the table does not hold.
    Unknown,
}

/// What Sysmon 12, 13 or 14 did to a registry object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RegistryChange {
    /// Key or value created.
    Created,
    /// Value set.
    Set,
    /// Key or value deleted.
    Deleted,
    /// Key or value renamed.
    Renamed,
}

/// How a process reached into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Intrusion {
    /// Sysmon 8: it started a thread there.
    RemoteThread,
    /// Sysmon 25: the image in memory is not the one on disk (hollowing, herpaderping).
    Tampered,
}

/// The kinds of fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HostWhat {
    /// Security 4688, Sysmon 1.
    ProcessStarted {
        /// The new process.
        process: Process,
        /// Its command line; empty where not logged.
        command_line: Text,
        /// The parent.
        parent: Process,
        /// The parent's command line; empty where not logged.
        parent_command_line: Text,
        /// The account, `DOMAIN\name` as written.
        user: Text,
        /// What the record says of the image's file; `None` where it says nothing (Security 4688).
        file: Option<Box<ImageFile>>,
    },
    /// Security 4689, Sysmon 5.
    ProcessEnded {
        /// The process.
        process: Process,
    },
    /// Security 5156, 5157, 5152, 5153. `source` and `destination` are as written: which one is
    /// local depends on the Windows version, and `context::identity` decides it per host.
    Filtered {
        /// Permitted, blocked or dropped.
        verdict: Verdict,
        /// Where in the stack.
        layer: Layer,
        /// Initial sequence number of the TCP SYN that was filtered, where the log has it
        /// (pfirewall.log, column `tcpsyn`): with the endpoints it is that very SYN.
        isn: Option<u32>,
        /// True for a SYN without ACK, false for any other TCP segment; `None` where the log tells no flags.
        opens: Option<bool>,
        /// Inbound or outbound; `None` where not said.
        direction: Option<Direction>,
        /// The process; `-` and pid 0 for a packet nobody listens for.
        process: Process,
        /// Protocol.
        transport: Transport,
        /// SourceAddress and SourcePort as written.
        source: Endpoint,
        /// DestAddress and DestPort as written.
        destination: Endpoint,
    },
    /// Sysmon 3: a connection that was made. Source is the initiator.
    Connected {
        /// The process on this host.
        process: Process,
        /// True if this host initiated it.
        initiated: bool,
        /// TCP or UDP.
        transport: Transport,
        /// The initiator.
        source: Endpoint,
        /// The responder.
        destination: Endpoint,
        /// The account.
        user: Text,
        /// Sysmon's own UtcTime. On this event it has a bias of its own; never used as a time
        /// without calibration.
        utc_time: Option<Timestamp>,
    },
    /// Security 5158, 5159: a local port was bound.
    Bound {
        /// Permitted or blocked.
        verdict: Verdict,
        /// The process.
        process: Process,
        /// TCP or UDP.
        transport: Transport,
        /// Local address (may be unspecified) and port.
        local: Endpoint,
    },
    /// Security 5154, 5155: a TCP port started to listen.
    Listening {
        /// Permitted or blocked.
        verdict: Verdict,
        /// The process.
        process: Process,
        /// TCP.
        transport: Transport,
        /// Local address (often unspecified) and port.
        local: Endpoint,
    },
    /// Sysmon 22.
    NameQueried {
        /// The process that asked.
        process: Process,
        /// The name.
        name: Text,
        /// The status, 0 for success.
        status: Option<u32>,
        /// The answer, as written.
        results: Text,
        /// Sysmon's own UtcTime; see `Connected`.
        utc_time: Option<Timestamp>,
    },
    /// Firewall channel, Security 4946 to 4948 and 4957, Sysmon 12 to 14 on FirewallRules.
    FirewallRule {
        /// Added, changed, removed.
        change: RuleChange,
        /// Which log says so.
        source: RuleSource,
        /// The rule, as far as that log tells it.
        rule: Box<Rule>,
    },
    /// Firewall channel 2002, 2003, 2082, 2083; Security 4950.
    FirewallSetting {
        /// Name or number of the setting, as written.
        setting: Text,
        /// Value, as written or displayed.
        value: Text,
        /// `Some(true)` if this switches the firewall of a profile on, `Some(false)` off; `None`
        /// for other settings.
        enabled: Option<bool>,
        /// Profile bits, 0 where not said.
        profiles: u32,
        /// Program that changed it, as written.
        changed_by: Text,
    },
    /// Firewall channel 2008 and 2009: the group policy of the firewall changed, or could not be
    /// loaded. Which rules that touches is not said.
    FirewallPolicy {
        /// Loaded; otherwise loading failed.
        loaded: bool,
    },
    /// Firewall channel 2010, Security 4956: another profile became active.
    ProfileChanged {
        /// The new profile, as written.
        profile: Text,
        /// Profile bits as in `Rule::profiles`; 0 where the word is not known.
        bits: u32,
        /// The interface it is of (InterfaceGuid); empty where not said.
        interface: Text,
    },
    /// Firewall channel 2011: a process listens on a port and is being blocked.
    BlockedListener {
        /// The process.
        process: Process,
        /// Protocol.
        transport: Transport,
        /// The port.
        port: u16,
    },
    /// Security 5447.
    FilterChanged {
        /// The filter.
        filter: Box<Filter>,
    },
    /// Security 5446: a callout (a driver's hook in the filtering platform).
    CalloutChanged {
        /// Added; otherwise deleted.
        added: bool,
        /// Callout name.
        name: Text,
        /// Provider name.
        provider: Text,
    },
    /// Sysmon 6.
    DriverLoaded {
        /// The driver file.
        image: Text,
        /// `Some(true)` if signed.
        signed: Option<bool>,
        /// Signer.
        signature: Text,
        /// `Valid`, `Expired`, `Revoked` and others.
        signature_status: Text,
    },
    /// Sysmon 7.
    LibraryLoaded {
        /// The process.
        process: Process,
        /// The library file; the image's own file is loaded as one too.
        library: Text,
        /// `Some(true)` if signed.
        signed: Option<bool>,
        /// Signer; empty where not logged.
        signature: Text,
        /// SignatureStatus as written: `Valid`, `Expired` …; empty where not logged.
        signature_status: Text,
    },
    /// Security 4697, System 7045.
    ServiceInstalled {
        /// Service name.
        name: Text,
        /// Image path with arguments, as written.
        image: Text,
        /// Account the service runs as.
        account: Text,
    },
    /// System 7036.
    ServiceStateChanged {
        /// Display name, localised.
        name: Text,
        /// The state.
        state: ServiceState,
    },
    /// System 7040.
    ServiceStartChanged {
        /// Display name, localised.
        name: Text,
        /// The new start type, as written.
        start: Text,
    },
    /// Sysmon 8 and 25: a process reached into another.
    Intruded {
        /// How.
        how: Intrusion,
        /// Who did it; without pid and image where the record does not say (25).
        by: Process,
        /// The process that was reached into.
        into: Process,
    },
    /// Sysmon 11.
    FileCreated {
        /// The process.
        process: Process,
        /// The file.
        path: Text,
    },
    /// Sysmon 12, 13, 14 on anything but a firewall rule.
    RegistryChanged {
        /// The process.
        process: Process,
        /// What was done.
        change: RegistryChange,
        /// The key or value.
        target: Text,
        /// The new data, as written.
        details: Text,
    },
    /// PowerShell 4103, 4104.
    Script {
        /// The pipeline's payload (4103) or the script block (4104).
        text: Text,
        /// It is longer, and only its first 4,096 characters are kept.
        cut: bool,
    },
    /// Security 1102, System 104.
    LogCleared {
        /// The cleared channel, where said.
        cleared: Text,
        /// Who did it.
        user: Text,
    },
    /// Security 1100, System 6006: the event log service ended, and no channel was written from then on.
    LoggingStopped,
    /// System 6005: the event log service began; Security 4608: auditing began.
    LoggingStarted,
    /// Security 4719.
    AuditPolicyChanged {
        /// The subcategory's GUID, lower case without braces.
        subcategory: Text,
        /// The change, as written (`%%8448` …).
        change: Text,
        /// Who did it.
        user: Text,
    },
    /// Security 4616, Kernel-General 1.
    ClockChanged {
        /// Before.
        from: Timestamp,
        /// After.
        to: Timestamp,
        /// The program that did it, where said.
        process: Text,
    },
    /// Kernel-General 12.
    SystemStarted,
    /// Power-Troubleshooter 1: the system is back from sleep. It is written a moment after that.
    SystemResumed {
        /// When it went to sleep, where said.
        slept: Option<Timestamp>,
        /// When it woke, where said.
        woke: Option<Timestamp>,
        /// What woke it, as written: a type in numbers, and a text where there is one.
        source: Text,
    },
    /// Kernel-General 13.
    SystemStopped,
    /// Sysmon 4.
    SysmonState {
        /// `Some(true)` if it started, `Some(false)` if it stopped.
        running: Option<bool>,
    },
    /// Sysmon 16.
    SysmonConfigured {
        /// The configuration file or hash, as written.
        configuration: Text,
    },
}
