//! A large event log, written in pieces: what is held does not grow with it.
//!
//! The records are made by the lab's writer. Most of a mixed log is of no use to any analytic, as
//! in a real Security log; a busy filtering-platform log is nearly all of use.

use crate::capture::BEGIN;
use crate::chance::Chance;
use casewire_lab::evtx::events::{Account, Program, security, sysmon};
use casewire_lab::evtx::{Event, Log, Value};
use casewire_lab::moment::{MILLISECOND, Moment};
use casewire_lab::seed;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::net::{IpAddr, Ipv4Addr};

/// Records of a piece; only the last chunk of each is not full.
const PIECE: usize = 4_000;
const FILE_HEADER: usize = 4_096;
const CHUNK: usize = 65_536;
const COMPUTER: &str = "WS07.corp.example";

/// Writes a log of about `size` bytes.
pub fn write(mut out: File, size: u64, seed: u64, wfp: bool) -> io::Result<()> {
    let mut chance = Chance::new(seed);
    let cast = Cast::new();
    let (mut now, mut records, mut written) = (BEGIN, 0_u64, 0_u64);
    let mut header = vec![0; FILE_HEADER];
    out.write_all(&header)?;
    while written < size {
        let mut log = Log {
            first_record: records + 1,
            ..Log::new()
        };
        for _ in 0..PIECE {
            now = now.plus(chance.between(0, if wfp { 40 } else { 80 } * MILLISECOND));
            let event = if wfp {
                cast.busy(&mut chance)
            } else {
                cast.any(&mut chance, now)
            };
            log.push(event.at(COMPUTER, now));
        }
        records += PIECE as u64;
        let bytes = log.bytes();
        header.copy_from_slice(&bytes[..FILE_HEADER]);
        out.write_all(&bytes[FILE_HEADER..])?;
        written += (bytes.len() - FILE_HEADER) as u64;
    }
    let chunks = written / CHUNK as u64;
    header[16..24].copy_from_slice(&(chunks - 1).to_le_bytes());
    header[42..44].copy_from_slice(&(chunks as u16).to_le_bytes());
    let checksum = crc32fast::hash(&header[..120]);
    header[124..128].copy_from_slice(&checksum.to_le_bytes());
    out.seek(SeekFrom::Start(0))?;
    out.write_all(&header)?;
    println!("records {records} bytes {}", written + FILE_HEADER as u64);
    Ok(())
}

/// Who acts in the logs.
struct Cast {
    user: Account,
    programs: Vec<Program>,
}

impl Cast {
    fn new() -> Self {
        let user = Account {
            sid: "S-1-5-21-1004336348-1177238915-682003330-1104".into(),
            name: "j.doe".into(),
            domain: "CORP".into(),
            logon: 0x5f_1c2a,
        };
        let images = [
            r"C:\Windows\System32\svchost.exe",
            r"C:\Windows\System32\lsass.exe",
            r"C:\Windows\explorer.exe",
            r"C:\Program Files\Google\Chrome\Application\chrome.exe",
            r"C:\Windows\System32\services.exe",
            r"C:\Windows\System32\taskhostw.exe",
            r"C:\Windows\System32\cmd.exe",
            r"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE",
        ];
        let programs = images.iter().zip(1_u32..).map(|(image, i)| Program {
            pid: 412 + i * 388,
            image: (*image).to_owned(),
            guid: seed::guid(&[image]),
            command_line: format!("\"{image}\" -k netsvcs -p -s Schedule"),
            original: None,
            account: if i % 2 == 0 {
                user.clone()
            } else {
                Account::system()
            },
        });
        Self {
            programs: programs.collect(),
            user,
        }
    }

    fn program(&self, chance: &mut Chance) -> Program {
        let program = &self.programs[chance.below(self.programs.len() as u64) as usize];
        // Some processes live shortly.
        let passing = if chance.percent(20) {
            4 * chance.below(2_000) as u32
        } else {
            0
        };
        Program {
            pid: program.pid + passing,
            ..program.clone()
        }
    }

    fn remote(&self, chance: &mut Chance) -> IpAddr {
        let n = chance.bits().to_be_bytes();
        if chance.percent(60) {
            Ipv4Addr::new(10, 20, n[0] % 3, n[1]).into()
        } else {
            Ipv4Addr::new(93, 184, n[0] % 12, n[1]).into()
        }
    }

    /// A row of the filtering platform: 5156 or 5158.
    fn busy(&self, chance: &mut Chance) -> Event {
        let program = self.program(chance);
        if chance.percent(30) {
            return security::bound(&program, chance.port(), chance.percent(20), 17);
        }
        let own = (IpAddr::from([10, 20, 10, 27]), chance.port());
        let ports = [443, 53, 389, 445, 88, 80, 135];
        let port = ports[chance.below(ports.len() as u64) as usize];
        let inbound = chance.percent(25);
        let remote = self.remote(chance);
        let (source, destination) = if inbound {
            (
                (remote, own.1),
                (own.0, if chance.percent(50) { 445 } else { 3_389 }),
            )
        } else {
            (own, (remote, port))
        };
        let flow = security::Flow {
            process: Some(&program),
            inbound,
            source,
            destination,
            protocol: if port == 53 { 17 } else { 6 },
            filter: 67_903 + chance.below(40),
        };
        flow.allowed()
    }

    /// Any event: about one in twelve is of use to some analytic.
    fn any(&self, chance: &mut Chance, now: Moment) -> Event {
        let program = self.program(chance);
        let remote = (self.remote(chance), chance.port());
        let kinds = [14, 13, 12, 12, 8, 7, 24, 2, 1, 2, 1, 1, 2, 1];
        match chance.weighted(&kinds) {
            0 => security::logged_on(&self.user, 3, remote),
            1 => self.logged_off(chance),
            2 => self.special_logon(),
            3 => self.handle_closed(&program, chance),
            4 => self.object_touched(4656, &program, chance),
            5 => self.object_touched(4663, &program, chance),
            6 => self.process_accessed(&program, chance, now),
            7 => security::process_created(&program, &self.programs[2]),
            8 => security::process_ended(&program),
            9 => self.busy(chance),
            10 => sysmon::process_created(now, &program, &self.programs[2]),
            11 => {
                let own = (IpAddr::from([10, 20, 10, 27]), chance.port());
                sysmon::connected(now, &program, true, "tcp", own, (remote.0, 443))
            }
            12 => sysmon::other(26, self.deleted_file(&program, chance, now)),
            _ => sysmon::name_queried(
                now,
                &program,
                "login.corp.example",
                "0",
                "type:  5 10.20.0.10;",
            ),
        }
    }

    fn subject(&self) -> Vec<(String, Value)> {
        vec![
            named("SubjectUserSid", sid(&self.user.sid)),
            named("SubjectUserName", Value::text(self.user.name.as_str())),
            named("SubjectDomainName", Value::text(self.user.domain.as_str())),
            named("SubjectLogonId", Value::Hex64(self.user.logon)),
        ]
    }

    fn logged_off(&self, chance: &mut Chance) -> Event {
        let fields = vec![
            named("TargetUserSid", sid(&self.user.sid)),
            named("TargetUserName", Value::text(self.user.name.as_str())),
            named("TargetDomainName", Value::text(self.user.domain.as_str())),
            named("TargetLogonId", Value::Hex64(chance.below(1 << 28))),
            named("LogonType", Value::U32(3)),
        ];
        security::other(4634, fields)
    }

    fn special_logon(&self) -> Event {
        let mut fields = self.subject();
        let privileges = "SeSecurityPrivilege\n\t\t\tSeBackupPrivilege\n\t\t\tSeRestorePrivilege\n\t\t\t\
            SeTakeOwnershipPrivilege\n\t\t\tSeDebugPrivilege\n\t\t\tSeSystemEnvironmentPrivilege\n\t\t\t\
            SeLoadDriverPrivilege\n\t\t\tSeImpersonatePrivilege";
        fields.push(named("PrivilegeList", Value::text(privileges)));
        security::other(4672, fields)
    }

    fn handle_closed(&self, program: &Program, chance: &mut Chance) -> Event {
        let mut fields = self.subject();
        fields.extend([
            named("ObjectServer", Value::text("Security")),
            named("HandleId", Value::SizeT(chance.below(1 << 14))),
            named("ProcessId", Value::SizeT(program.pid.into())),
            named("ProcessName", Value::text(program.image.as_str())),
        ]);
        security::other(4658, fields)
    }

    fn object_touched(&self, id: u16, program: &Program, chance: &mut Chance) -> Event {
        let mut fields = self.subject();
        let object = format!(
            r"C:\Users\j.doe\Documents\report-{}.docx",
            chance.below(900)
        );
        fields.extend([
            named("ObjectServer", Value::text("Security")),
            named("ObjectType", Value::text("File")),
            named("ObjectName", Value::Str(object)),
            named("HandleId", Value::SizeT(chance.below(1 << 14))),
            named(
                "AccessList",
                Value::text("%%4416\n\t\t\t\t%%4423\n\t\t\t\t"),
            ),
            named("AccessMask", Value::Hex32(0x81)),
            named("ProcessId", Value::SizeT(program.pid.into())),
            named("ProcessName", Value::text(program.image.as_str())),
            named("ResourceAttributes", Value::text("S:AI")),
        ]);
        security::other(id, fields)
    }

    fn process_accessed(&self, program: &Program, chance: &mut Chance, now: Moment) -> Event {
        let target = self.program(chance);
        let trace = format!(
            r"C:\Windows\SYSTEM32\ntdll.dll+{:x}|C:\Windows\System32\KERNELBASE.dll+{:x}|C:\Windows\System32\lsm.dll+{:x}",
            chance.below(1 << 20),
            chance.below(1 << 18),
            chance.below(1 << 16)
        );
        let fields = vec![
            named("RuleName", Value::text("-")),
            named("UtcTime", Value::text(now.sysmon())),
            named("SourceProcessGUID", Value::Guid(program.guid)),
            named("SourceProcessId", Value::U32(program.pid)),
            named("SourceThreadId", Value::U32(chance.below(20_000) as u32)),
            named("SourceImage", Value::text(program.image.as_str())),
            named("TargetProcessGUID", Value::Guid(target.guid)),
            named("TargetProcessId", Value::U32(target.pid)),
            named("TargetImage", Value::text(target.image.as_str())),
            named("GrantedAccess", Value::Hex32(0x1000)),
            named("CallTrace", Value::Str(trace)),
            named("SourceUser", Value::text(program.account.full())),
            named("TargetUser", Value::text(target.account.full())),
        ];
        sysmon::other(10, fields)
    }

    fn deleted_file(
        &self,
        program: &Program,
        chance: &mut Chance,
        now: Moment,
    ) -> Vec<(String, Value)> {
        let file = format!(
            r"C:\Users\j.doe\AppData\Local\Temp\~{:x}.tmp",
            chance.below(1 << 24)
        );
        vec![
            named("RuleName", Value::text("-")),
            named("UtcTime", Value::text(now.sysmon())),
            named("ProcessGuid", Value::Guid(program.guid)),
            named("ProcessId", Value::U32(program.pid)),
            named("User", Value::text(program.account.full())),
            named("Image", Value::text(program.image.as_str())),
            named("TargetFilename", Value::Str(file)),
            named(
                "Hashes",
                Value::text(
                    "SHA256=A7B1C4B3F0B7A4CB4B1E6F5C0B9D8E7F6A5B4C3D2E1F00112233445566778899",
                ),
            ),
            named("IsExecutable", Value::Bool(false)),
        ]
    }
}

fn named(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

fn sid(text: &str) -> Value {
    casewire_lab::evtx::sid(text).map_or(Value::Null, Value::Sid)
}
