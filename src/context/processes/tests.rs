//! Process instances from hand-made records.

use super::*;
use crate::context::identity::{Identity, IdentityBuilder};
use crate::model::host_event::{Process, Verdict};
use crate::model::provenance::Item;
use crate::model::{Endpoint, Event, EvidenceId, HostEvent, HostWhat, Transport, What};

const CMD: &str = r"C:\Windows\System32\cmd.exe";
const CMD_ON_VOLUME: &str = r"\device\harddiskvolume2\windows\system32\cmd.exe";
const HOST: HostId = HostId(0);

fn moment(ms: i64) -> Timestamp {
    Timestamp(ms * 1_000_000)
}

fn event(ms: i64, item: u64, what: HostWhat) -> Event {
    Event {
        time: moment(ms),
        recorded: moment(ms),
        provenance: Provenance {
            evidence: EvidenceId(1),
            interface: 0,
            kind: Item::Record,
            item,
            offset: 0,
            inside: false,
        },
        what: What::host(HostEvent {
            computer: "WS01".into(),
            channel: "Security".into(),
            provider: "".into(),
            event_id: 0,
            socket: None,
            timed: crate::model::Timed::Utc,
            written: moment(ms),
            what,
        }),
    }
}

fn process(pid: u32, guid: u8, image: &str) -> Process {
    Process {
        pid: Some(pid),
        guid: (guid > 0).then_some([guid; 16]),
        image: image.into(),
    }
}

/// A start: by Sysmon with a guid, by Security with 0.
fn starts(ms: i64, pid: u32, guid: u8, image: &str, command_line: &str) -> Event {
    let what = HostWhat::ProcessStarted {
        process: process(pid, guid, image),
        command_line: command_line.into(),
        parent: Process::default(),
        parent_command_line: "".into(),
        user: "".into(),
        file: None,
    };
    event(ms, ms as u64, what)
}

fn ends(ms: i64, pid: u32, guid: u8, image: &str) -> Event {
    let process = process(pid, guid, image);
    event(ms, ms as u64, HostWhat::ProcessEnded { process })
}

fn binds(ms: i64, pid: u32, image: &str) -> Event {
    let what = HostWhat::Bound {
        verdict: Verdict::Permitted,
        process: process(pid, 0, image),
        transport: Transport::TCP,
        local: Endpoint::new("0.0.0.0".parse().unwrap(), 80),
    };
    event(ms, ms as u64, what)
}

fn identity() -> Identity {
    let mut builder = IdentityBuilder::default();
    builder.name("WS01");
    builder.freeze()
}

fn built(events: &[Event]) -> Processes {
    let mut builder = ProcessesBuilder::default();
    events.iter().for_each(|e| builder.observe(e));
    builder.freeze(&identity(), |_, time| time)
}

/// The start of the instance that `pid` meant at each of these moments.
fn started_at(processes: &Processes, pid: u32, times: &[i64]) -> Vec<Option<i64>> {
    let start = |ms: &i64| {
        let found = processes.instance_at(HOST, pid, moment(*ms), CMD_ON_VOLUME)?;
        Some(found.started?.0 / 1_000_000)
    };
    times.iter().map(start).collect()
}

#[test]
fn two_logs_of_one_start_and_one_end_are_one_process() {
    let processes = built(&[
        starts(1_000, 7, 0, CMD, "cmd.exe"),
        starts(1_003, 7, 9, CMD, "cmd.exe"),
        ends(9_000, 7, 0, CMD),
        ends(9_013, 7, 9, CMD),
    ]);
    let [one] = processes.of_host(HOST) else {
        panic!("{:?}", processes.of_host(HOST))
    };
    assert_eq!((one.guid, one.records.len()), (Some([9; 16]), 4));
    assert_eq!(
        (one.started, one.ended),
        (Some(moment(1_000)), Some(moment(9_000)))
    );
    assert_eq!(processes.with_guid(HOST, &[9; 16]), Some(one));
}

#[test]
fn an_id_that_is_used_again_is_another_process() {
    let processes = built(&[
        starts(1_000, 7, 0, CMD, ""),
        ends(5_000, 7, 0, CMD),
        starts(20_000, 7, 0, CMD, ""),
        starts(40_000, 7, 0, r"C:\other.exe", ""),
    ]);
    assert_eq!(
        started_at(
            &processes,
            7,
            &[-100, 0, 3_000, 6_000, 6_001, 25_000, 40_500, 42_000]
        ),
        [
            None,
            Some(1_000),
            Some(1_000),
            None,
            None,
            Some(20_000),
            Some(20_000),
            None
        ]
    );
    let other = processes.instance_at(HOST, 7, moment(3_000), r"C:\other.exe");
    assert_eq!(other, None, "the name must match");
    assert_eq!(processes.instance_at(HOST, 8, moment(3_000), CMD), None);
}

#[test]
fn a_process_whose_start_was_not_logged_is_known_by_its_end() {
    let processes = built(&[ends(5_000, 7, 0, CMD), starts(6_500, 7, 0, CMD, "")]);
    let [first, second] = processes.of_host(HOST) else {
        panic!("{:?}", processes.of_host(HOST))
    };
    assert_eq!((first.started, first.ended), (None, Some(moment(5_000))));
    assert_eq!(second.started, Some(moment(6_500)));
    assert_eq!(
        processes.instance_at(HOST, 7, moment(-9_000), CMD),
        Some(first)
    );
}

#[test]
fn a_system_start_ends_every_process() {
    let processes = built(&[
        starts(1_000, 7, 0, CMD, ""),
        event(50_000, 1, HostWhat::SystemStarted),
    ]);
    assert_eq!(
        started_at(&processes, 7, &[49_000, 60_000]),
        [Some(1_000), None]
    );
}

#[test]
fn a_volume_is_the_drive_its_processes_show_and_none_if_they_differ() {
    let mut events = vec![
        starts(1_000, 7, 0, CMD, ""),
        binds(2_000, 7, CMD_ON_VOLUME),
        binds(2_000, 8, r"\device\harddiskvolume3\x.exe"),
    ];
    let processes = built(&events);
    assert_eq!(
        processes
            .drive_path(HOST, r"\device\harddiskvolume2\tools\x.exe")
            .as_deref(),
        Some(r"C:\tools\x.exe")
    );
    assert_eq!(
        processes.drive_path(HOST, r"\device\harddiskvolume3\x.exe"),
        None
    );
    assert!(processes.same_image(HOST, CMD, CMD_ON_VOLUME));
    assert!(!processes.same_image(HOST, r"D:\Windows\System32\cmd.exe", CMD_ON_VOLUME));
    assert!(processes.same_image(HOST, r"D:\x.exe", r"\device\harddiskvolume3\X.exe"));
    events.push(starts(3_000, 9, 0, r"D:\Windows\System32\cmd.exe", ""));
    events.push(binds(4_000, 9, CMD_ON_VOLUME));
    assert_eq!(built(&events).drive_path(HOST, CMD_ON_VOLUME), None);
}

#[test]
fn a_service_is_part_of_what_an_svchost_is() {
    let svchost = r"C:\Windows\System32\svchost.exe";
    let line = "svchost.exe -k NetworkService -p -s Dnscache";
    let processes = built(&[starts(0, 7, 0, svchost, line), starts(1, 7, 3, svchost, "")]);
    let found = processes.instance_at(HOST, 7, moment(1), svchost).unwrap();
    assert_eq!(found.program(), r"\windows\system32\svchost.exe dnscache");
}

#[test]
fn merged_builders_know_what_one_would() {
    let events = [
        starts(1_000, 7, 0, CMD, ""),
        starts(1_002, 7, 5, CMD, ""),
        ends(5_000, 7, 0, CMD),
        binds(2_000, 7, CMD_ON_VOLUME),
    ];
    let (mut a, mut b) = (ProcessesBuilder::default(), ProcessesBuilder::default());
    for (i, event) in events.iter().enumerate() {
        [&mut a, &mut b][i % 2].observe(event);
    }
    b.merge(a);
    let merged = b.freeze(&identity(), |_, time| time);
    assert_eq!(format!("{merged:?}"), format!("{:?}", built(&events)));
}

/// A start by Security with its creator: its id, and its image where the record has one.
fn starts_under(ms: i64, pid: u32, image: &str, parent: u32, parent_image: &str) -> Event {
    let mut event = starts(ms, pid, 0, image, "");
    if let What::Host(host) = &mut event.what
        && let HostWhat::ProcessStarted {
            parent: p, user, ..
        } = &mut host.what
    {
        *p = process(parent, 0, parent_image);
        *user = r"CORP\eve".into();
    }
    event
}

const SERVICES: &str = r"C:\Windows\System32\services.exe";
const AGENT: &str = r"C:\Program Files\Agent\agent.exe";
const TOOL: &str = r"C:\Users\Public\tool.exe";

#[test]
fn a_chain_goes_back_to_what_a_launcher_started() {
    let processes = built(&[
        starts_under(1_000, 10, AGENT, 4, SERVICES),
        starts_under(2_000, 20, CMD, 10, ""),
        starts_under(3_000, 30, TOOL, 20, CMD),
    ]);
    let tool = processes.running(HOST, 30, moment(4_000)).unwrap();
    assert_eq!(&*tool.user, r"CORP\eve");
    let parent = processes.parent(HOST, tool).unwrap();
    assert_eq!((parent.pid, &*parent.image), (20, CMD));
    let owner = processes.causality_owner(HOST, tool);
    assert_eq!(
        (&**owner.image, owner.complete, owner.steps),
        (AGENT, true, 2)
    );
}

#[test]
fn a_parent_is_who_had_the_id_when_the_child_started() {
    let processes = built(&[
        starts_under(1_000, 10, AGENT, 4, SERVICES),
        ends(2_000, 10, 0, AGENT),
        starts_under(3_000, 10, CMD, 4, SERVICES),
        starts_under(4_000, 30, TOOL, 10, ""),
        starts_under(1_500, 31, TOOL, 10, ""),
        // The id is free at this moment: whose it was cannot be told.
        starts_under(2_500, 32, TOOL, 10, ""),
    ]);
    let parent = |pid, ms| {
        let child = processes.running(HOST, pid, moment(ms)).unwrap();
        processes.parent(HOST, child).map(|p| p.image.to_string())
    };
    assert_eq!(parent(30, 4_000).as_deref(), Some(CMD));
    assert_eq!(parent(31, 1_500).as_deref(), Some(AGENT));
    assert_eq!(parent(32, 2_500), None);
}

#[test]
fn a_chain_that_breaks_says_so() {
    let processes = built(&[
        starts_under(1_000, 20, CMD, 10, AGENT),
        starts_under(2_000, 30, TOOL, 99, ""),
        // A program that calls itself services.exe launches nothing for Windows.
        starts_under(3_000, 40, CMD, 50, r"C:\Temp\services.exe"),
    ]);
    let owner = |pid| {
        let of = processes.running(HOST, pid, moment(5_000)).unwrap();
        let owner = processes.causality_owner(HOST, of);
        (
            owner.image.to_string(),
            owner.complete,
            owner.instance.is_some(),
        )
    };
    assert_eq!(owner(20), (AGENT.to_owned(), false, false));
    assert_eq!(owner(30), (TOOL.to_owned(), false, true));
    assert_eq!(
        owner(40),
        (r"C:\Temp\services.exe".to_owned(), false, false)
    );
}
