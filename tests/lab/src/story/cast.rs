//! Who and what a story is about: hosts, sensors, and what happens.

use crate::pcap::Format;
use crate::pcap::frame::Mac;
use crate::pcap::speech::Protocol;
use crate::pcap::tunnel::Tunnel;
use crate::zeek::Notation;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// A log that a host may keep.
/// How a host tells its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameService {
    Mdns,
    Nbns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LogKind {
    Security,
    System,
    Sysmon,
    Firewall,
    PowerShell,
    /// Packet drop auditing (5152), written to the Security log.
    Drops,
}

/// A host clock: how far it is from true time.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    /// Ahead of true time by this much, in nanoseconds.
    pub(super) offset: i64,
    /// Gains this many nanoseconds per millisecond (parts per million) since the story's midnight.
    pub(super) drift_ppm: i64,
    /// Steps: from this moment (nanoseconds since midnight) on, this much more.
    pub(super) steps: Vec<(i64, i64)>,
}

impl Clock {
    /// The clock's error at a moment given in nanoseconds since the story's midnight.
    pub(super) fn error_at(&self, since_midnight: i64) -> i64 {
        let drift = i128::from(since_midnight) * i128::from(self.drift_ppm) / 1_000_000;
        let steps: i64 = self
            .steps
            .iter()
            .filter(|s| s.0 <= since_midnight)
            .map(|s| s.1)
            .sum();
        self.offset + i64::try_from(drift).unwrap_or(0) + steps
    }
}

/// A host as declared, or an address that was only mentioned.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) computer: String,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) mac: Option<Mac>,
    pub(super) logs: BTreeSet<LogKind>,
    pub(super) clock: Clock,
    /// Local time written as if it were UTC.
    pub(super) zone: i64,
    /// Sysmon 3 and 22: UtcTime minus true time; `None` lets the story choose.
    pub(super) etw: Option<i64>,
    pub(super) receiver_first: bool,
    pub(super) relogs: bool,
    pub(super) windows_11: bool,
    pub(super) linux: bool,
    pub(super) ttl: Option<u8>,
    /// Ports open since before the story: protocol and port.
    pub(super) open: Vec<(u8, u16)>,
    /// Event ids this host never writes.
    pub(super) without: Vec<u16>,
    pub(super) archived: bool,
    pub(super) dirty: bool,
    pub(super) plain: bool,
    pub(super) terminated: bool,
    pub(super) merged: bool,
    pub(super) first_record: u64,
}

impl Host {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            computer: name.to_owned(),
            addresses: Vec::new(),
            mac: None,
            logs: BTreeSet::new(),
            clock: Clock::default(),
            zone: 0,
            etw: None,
            receiver_first: false,
            relogs: true,
            windows_11: false,
            linux: false,
            ttl: None,
            open: Vec::new(),
            without: Vec::new(),
            archived: false,
            dirty: false,
            plain: false,
            terminated: false,
            merged: false,
            first_record: 0,
        }
    }
}

/// What a sensor captures.
#[derive(Clone, Debug)]
pub(super) struct Sensor {
    pub(super) name: String,
    /// Pairs it sees: from, to (`None` for anyone), and whether the way back counts too. Empty for
    /// everything.
    pub(super) sees: Vec<(usize, Option<usize>, bool)>,
    pub(super) snap_length: u32,
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
    pub(super) rotate: Vec<i64>,
    pub(super) format: Format,
    /// It is a Zeek sensor: it keeps no packets, and sums up connections.
    pub(super) sums_up: Option<Notation>,
    pub(super) clock: Clock,
    pub(super) dropped: u64,
    pub(super) disordered: bool,
    pub(super) tunnel: Option<Tunnel>,
}

impl Sensor {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sees: Vec::new(),
            snap_length: 262_144,
            from: None,
            to: None,
            rotate: Vec::new(),
            format: Format::PcapNg,
            sums_up: None,
            clock: Clock::default(),
            dropped: 0,
            disordered: false,
            tunnel: None,
        }
    }
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) struct Act {
    /// Line of the page.
    pub(super) line: usize,
    /// Which repetition of its line, from 0.
    pub(super) turn: usize,
    /// Nanoseconds since the story's midnight.
    pub(super) at: i64,
    pub(super) what: What,
    pub(super) seen: Seen,
}

/// Which traces an act leaves.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) not_on_the_wire: bool,
    pub(super) not_in_the_log: bool,
    /// Only these event ids, if any are given.
    pub(super) only: Vec<u16>,
    /// Never these event ids.
    pub(super) without: Vec<u16>,
}

/// The kinds of act.
#[derive(Clone, Debug)]
pub(super) enum What {
    Flow(Box<FlowLine>),
    Ping(PingLine),
    Arp {
        from: End,
        to: IpAddr,
        answered: bool,
        tries: u32,
    },
    Wake(WakeLine),
    Host(usize, Deed),
}

/// A host, and the address it uses if one was written out.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) host: usize,
    pub(super) address: Option<IpAddr>,
    pub(super) port: Option<u16>,
}

/// A TCP connection attempt or UDP exchange.
#[derive(Clone, Debug)]
pub(super) struct FlowLine {
    pub(super) from: End,
    pub(super) to: End,
    pub(super) port: u16,
    /// 6 or 17.
    pub(super) protocol: u8,
    pub(super) outcome: Outcome,
    /// SYNs or datagrams sent, where the line says so.
    pub(super) tries: Option<u32>,
    /// Payload bytes from the initiator and from the responder.
    pub(super) bytes: Option<(usize, usize)>,
    /// From the first packet to the last.
    pub(super) lasts: Option<i64>,
    /// How long after its last segment it is reset.
    pub(super) idle: Option<i64>,
    pub(super) round_trip: Option<i64>,
    pub(super) ttl: Option<u8>,
    pub(super) answer_ttl: Option<u8>,
    pub(super) vlan: Option<u16>,
    /// Every frame comes by a second time with this VLAN tag.
    pub(super) hairpin: Option<u16>,
    /// Initiating process.
    pub(super) by: Option<ProcessName>,
    /// Serving process.
    pub(super) served_by: Option<ProcessName>,
    pub(super) fast_open: bool,
    pub(super) ending: Ending,
    pub(super) carrying: Carrying,
}

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The host's own firewall blocks it: nothing on the wire.
    Blocked,
    Unanswered,
    Reset {
        wrong_ack: bool,
    },
    Icmp {
        kind: u8,
        code: u8,
        from: Option<usize>,
    },
    HalfOpen,
    Empty,
    Accepted,
    Midstream,
    Aborted,
    OneSided,
    /// One segment with these flags and no flow.
    Flags(u8),
    /// UDP: sent, and an answer came.
    Answered,
}

/// How an accepted connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Closed,
    Stays,
    ResetByClient,
    ResetByServer,
}

/// What a name server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NameAnswer {
    Addresses(Vec<IpAddr>),
    NoSuchName,
    Failure,
}

/// What the payload is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Carrying {
    Filler,
    Base64,
    Padding,
    Magic(Mac),
    /// An opening of this protocol, with the name asked for.
    Speech(Protocol, String),
    /// Bytes of no protocol.
    Binary,
}

/// Echo requests, or other ICMP messages.
#[derive(Clone, Debug)]
pub(super) struct PingLine {
    pub(super) from: End,
    pub(super) to: End,
    pub(super) answered: bool,
    pub(super) times: u32,
    /// Nanoseconds from one request to the next.
    pub(super) every: i64,
    /// Payload of request and reply; `None` for what Windows sends.
    pub(super) bytes: Option<(usize, usize)>,
    /// Type and code of an error, and who sends it if not the target.
    pub(super) error: Option<(u8, u8, Option<usize>)>,
    /// Another type than echo request.
    pub(super) kind: Option<u8>,
}

/// Magic packets.
#[derive(Clone, Debug)]
pub(super) struct WakeLine {
    pub(super) target: Mac,
    pub(super) from: End,
    /// UDP port; `None` for EtherType 0x0842.
    pub(super) udp: Option<u16>,
    pub(super) to: Option<IpAddr>,
    pub(super) unicast: bool,
    pub(super) password: usize,
    pub(super) copies: usize,
    pub(super) repetitions: usize,
    pub(super) vlan: Option<u16>,
}

/// A process as a line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProcessName {
    /// File name or full path.
    pub(super) image: String,
    pub(super) pid: Option<u32>,
    /// `CORP\user` or a SID.
    pub(super) account: Option<String>,
    /// Parent process of a process that is started.
    pub(super) under: Option<String>,
}

/// What a firewall line does.
#[derive(Clone, Debug)]
pub(super) struct RuleLine {
    pub(super) change: RuleChange,
    /// IP protocol; 256 for any.
    pub(super) protocol: u16,
    pub(super) ports: String,
    pub(super) remotes: String,
    pub(super) program: String,
    pub(super) service: String,
    pub(super) outbound: bool,
    pub(super) allow: bool,
    pub(super) active: bool,
    pub(super) name: Option<String>,
    pub(super) profiles: u32,
    pub(super) windows_11: bool,
    pub(super) by: ProcessName,
}

/// The four things done to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuleChange {
    Add,
    Enable,
    Disable,
    Delete,
}

/// Things a host does, as its logs tell them.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Intrudes {
        by: ProcessName,
        into: ProcessName,
    },
    Rule(Box<RuleLine>),
    Firewall {
        on: bool,
        profile: String,
        by: ProcessName,
    },
    RuleStorm {
        rules: usize,
    },
    Listens {
        protocol: u8,
        port: u16,
        by: ProcessName,
    },
    StopsListening {
        protocol: u8,
        port: u16,
    },
    Starts {
        process: ProcessName,
        command_line: Option<String>,
        original: Option<String>,
    },
    Ends {
        image: String,
    },
    LoadsLibrary {
        path: String,
        by: ProcessName,
        signer: Option<String>,
    },
    LoadsDriver {
        path: String,
        signer: Option<String>,
    },
    InstallsService {
        name: String,
        image: String,
    },
    Service {
        name: String,
        state: String,
    },
    ClearsLog {
        kind: LogKind,
        account: Option<String>,
    },
    ChangesClock {
        by_nanos: i64,
        by: ProcessName,
    },
    Profile {
        name: String,
    },
    ReloadsPolicy {
        filters: usize,
    },
    AddsCallout {
        name: String,
        provider: String,
    },
    AddsFilter {
        name: String,
        protocol: u8,
        port: u16,
        by: ProcessName,
    },
    AuditPolicy {
        subcategory: String,
        change: String,
    },
    Boots,
    Resumes {
        asleep: Option<i64>,
        by: Option<String>,
    },
    ShutsDown,
    Announces,
    Gets {
        address: Ipv4Addr,
    },
    NamesItself {
        by: NameService,
    },
    Sysmon {
        state: String,
    },
    EventLog {
        starts: bool,
    },
    Loses {
        records: u64,
        kind: LogKind,
    },
    Logon {
        account: String,
        from: End,
        kind: u32,
    },
    Script {
        text: String,
    },
    CreatesFile {
        path: String,
        by: ProcessName,
    },
    Resolves {
        name: String,
        answer: NameAnswer,
        via: Option<usize>,
        by: ProcessName,
    },
    Logs {
        kind: LogKind,
        id: u16,
        fields: Vec<(String, String)>,
    },
}
