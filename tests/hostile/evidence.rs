//! A folder of evidence in which every text that somebody else chose is hostile.

use casewire_lab::story::Story;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Between two of these a character stands that the language of stories does not let through; it
/// takes the place of all three.
const EDGE: char = '\u{e1fe}';

/// Text that would like to be more. A number sign and the word `pwn` are in all of them.
const HOSTILE: [&str; 12] = [
    "pwn\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{7f}",
    "pwn\u{202e}\u{2066}fdp\u{200b}\u{feff}\u{2028}\u{e0041}\u{ad}",
    "pwn\u{e1fe}\u{e100}\u{e1fe}\u{e1fe}\u{e10a}\u{e1fe}INCIDENT 9 of 9\u{e1fe}\u{e10d}\u{e1fe}",
    "pwn\u{e1fe}\u{e1d8}\u{e1fe}",
    "</script><img src=x onerror=pwn(1)><!--",
    "\u{e1fe}\u{e122}\u{e1fe}' onmouseover='pwn(1)",
    "see [pwn](javascript:pwn(1))|y|`z`*_~",
    "=cmd|'/C pwn'!A0",
    "+pwn,-pwn;@pwn",
    "\u{ff1d}pwn(1)",
    "# INCIDENT 9 of 9 pwn &lt;b&gt;",
    "pwn\u{301}\u{301}\u{301}\u{301} \\x1b $(pwn) %pwn%",
];

/// For the case number and the examiner, which come by the command line.
pub const TITLE: &str = "pwn\u{1b}]0;t\u{7}\u{202e}</title><img src=x>|";

/// What was written.
pub struct Hostile;

impl Hostile {
    /// Writes `evidence` and `casewire.toml` into `folder`.
    pub fn write(folder: &Path) -> Self {
        let evidence = folder.join("evidence");
        fs::create_dir(&evidence).unwrap();
        let put = |name: &str, bytes: &[u8]| fs::write(evidence.join(name), bytes).unwrap();
        for (at, (name, bytes)) in played().into_iter().enumerate() {
            // Names of files are text of somebody else, too.
            let ending = name.rsplit('.').next().unwrap();
            put(&format!("{at} {}.{ending}", named(at)), &bytes);
        }
        put("sensor\n# INCIDENT 9 of 9.pcapng", &commented());
        put("=conn.log", conn_log().as_bytes());
        put("conn\u{202e}nosj.log", conn_json().as_bytes());
        put("pfirewall\u{1b}[2J.log", firewall_log().as_bytes());
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for (at, text) in [conn_log(), conn_json(), firewall_log()].iter().enumerate() {
            let member = format!("../{}/{}.log", named(at), named(at + 3));
            zip.start_file(member, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        for (name, bytes) in exported() {
            zip.start_file(name, options).unwrap();
            zip.write_all(&bytes).unwrap();
        }
        let packed = zip.finish().unwrap().into_inner();
        put("tri\u{200b}age <img src=x>.zip", &packed);
        fs::write(folder.join("casewire.toml"), settings()).unwrap();
        Self
    }

    /// Whether any of it is on a page.
    pub fn speaks(&self, page: &str) -> bool {
        page.contains("pwn")
    }
}

/// The hostile text number `at`, as a file may be called.
fn named(at: usize) -> String {
    HOSTILE[at % HOSTILE.len()]
        .replace(['/', EDGE], "")
        .chars()
        .take(60)
        .collect()
}

/// Texts in turn, each in quotes as a story takes one word.
fn turns() -> impl FnMut() -> String {
    let mut at = 0;
    move || {
        at += 1;
        HOSTILE[(at * 5) % HOSTILE.len()].to_owned()
    }
}

fn story() -> String {
    let mut turn = turns();
    let mut text = || turn();
    let long = format!("{}pwn", "A".repeat(3_000));
    let (door, doer) = (text(), text());
    let mut lines = vec![
        "day 2026-03-01".to_owned(),
        format!(
            "host WS01 10.0.0.5 logs security sysmon system firewall powershell drops named \"{}\"",
            text()
        ),
        "host DC01 10.0.0.2".to_owned(),
        "host evil 198.51.100.7".to_owned(),
    ];
    for (at, name) in HOSTILE.iter().enumerate() {
        let name = name.replace(['.', ':', '\u{e0041}'], "");
        lines.push(format!("host \"{name}\" 10.0.0.{}", 20 + at));
        lines.push(format!(
            "00:{at:02}:10 \"{name}\" gets 10.0.0.{} by dhcp",
            20 + at
        ));
        lines.push(format!("00:{at:02}:20 \"{name}\" names itself by mdns"));
        lines.push(format!("00:{at:02}:25 \"{name}\" names itself by nbns"));
        let by = text();
        lines.push(format!(
            "00:{at:02}:30 WS01 resolves \"{name}\" to 203.0.113.{} via DC01 by \"{by}.exe\"",
            10 + at
        ));
        lines.push(format!(
            "00:{at:02}:31 WS01 -> 203.0.113.{}:443/tcp accepted carrying tls sni \"{name}\" by \"{by}.exe\"",
            10 + at
        ));
        lines.push(format!(
            "00:{at:02}:35 WS01 -> 203.0.113.{}:80/tcp accepted carrying http http-host \"{name}\" by \"{by}.exe\"",
            10 + at
        ));
        lines.push(format!(
            "00:{at:02}:40 WS01 starts \"C:\\Users\\{by}\\{}.exe\" by \"{}.exe\" \"{} {long}\" as \"CORP\\{}\"",
            text(),
            text(),
            text(),
            text()
        ));
        lines.push(format!(
            "00:{at:02}:41 WS01 loads library \"C:\\{}.dll\" by \"{by}.exe\" signed \"{}\"",
            text(),
            text()
        ));
        lines.push(format!(
            "00:{at:02}:42 WS01 loads driver \"C:\\{}.sys\" signed \"{}\"",
            text(),
            text()
        ));
        lines.push(format!(
            "00:{at:02}:43 WS01 installs service \"{}\" image \"C:\\{}\"",
            text(),
            text()
        ));
        lines.push(format!("00:{at:02}:44 WS01 service stops \"{}\"", text()));
        lines.push(format!(
            "00:{at:02}:45 WS01 runs script \"{} {long}\"",
            text()
        ));
        lines.push(format!(
            "00:{at:02}:46 WS01 creates file \"C:\\{}\" by \"{by}.exe\"",
            text()
        ));
        lines.push(format!(
            "00:{at:02}:47 WS01 adds callout \"{}\" by \"{}\"",
            text(),
            text()
        ));
        lines.push(format!(
            "00:{at:02}:48 WS01 injects into \"{}.exe\" by \"{by}.exe\"",
            text()
        ));
    }
    // What makes an incident, told by hostile names throughout.
    lines.extend([
        "02:11:04.000 evil -> WS01:7000/tcp unanswered once".to_owned(),
        "02:11:04.450 evil -> WS01:9000/tcp unanswered once".to_owned(),
        "02:11:05.010 evil -> WS01:8000/tcp unanswered once".to_owned(),
        format!("02:11:09 WS01 firewall allows tcp/4444 from 198.51.100.7 named \"{door}\" by \"{doer}.exe\" as \"CORP\\{doer}\""),
        format!("02:11:10 WS01 listens tcp/4444 by \"{doer}.exe\""),
        format!("02:11:12 evil -> WS01:4444/tcp accepted bytes 400/4000 carrying http http-host \"{}\" served by \"{doer}.exe\"", door.replace('.', "")),
    ]);
    format!("# T\n```story\n{}\n```\n", lines.join("\n"))
}

/// The story's files, with the characters in that no story can hold.
fn played() -> Vec<(String, Vec<u8>)> {
    let story = Story::parse(&story()).unwrap_or_else(|e| panic!("{e}"));
    let files = story.play().files;
    files
        .into_iter()
        .map(|(name, mut bytes)| {
            if bytes.starts_with(b"ElfFile") {
                patch(&mut bytes, |text| {
                    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
                });
                sign(&mut bytes);
            } else {
                patch(&mut bytes, |text| text.as_bytes().to_vec());
            }
            (name, bytes)
        })
        .collect()
}

/// Puts NUL, line ends, quotes and halves of surrogate pairs where their stand-ins are.
fn patch(bytes: &mut [u8], encoded: impl Fn(&str) -> Vec<u8>) {
    let mut patched = 0;
    for (stand_in, unit) in [
        ('\u{e100}', 0_u16),
        ('\u{e10a}', 10),
        ('\u{e10d}', 13),
        ('\u{e122}', 0x22),
        ('\u{e1d8}', 0xd800),
    ] {
        let wanted = encoded(&format!("{EDGE}{stand_in}{EDGE}"));
        let wide = wanted.len() == 6;
        // In bytes of UTF-8 there is no half of a pair; the first byte of one that never ends is.
        let new: Vec<u8> = match (wide, unit) {
            (true, unit) => unit.to_le_bytes().repeat(3),
            (false, 0xd800) => vec![0xed; wanted.len()],
            (false, unit) => vec![unit as u8; wanted.len()],
        };
        for at in 0..bytes.len().saturating_sub(wanted.len()) {
            if bytes[at..].starts_with(&wanted) {
                bytes[at..at + new.len()].copy_from_slice(&new);
                patched += 1;
            }
        }
    }
    assert!(patched > 0, "no stand-in was found");
}

/// The checksums of every chunk of a log, anew.
fn sign(log: &mut [u8]) {
    let crc = |parts: &[&[u8]]| {
        let mut sum = flate2::Crc::new();
        parts.iter().for_each(|part| sum.update(part));
        sum.sum().to_le_bytes()
    };
    for chunk in log[4096..].chunks_exact_mut(65_536) {
        let end = u32::from_le_bytes(chunk[48..52].try_into().unwrap()) as usize;
        if !chunk.starts_with(b"ElfChnk") || end > chunk.len() {
            continue;
        }
        let data = crc(&[&chunk[512..end]]);
        chunk[52..56].copy_from_slice(&data);
        let head = crc(&[&chunk[..120], &chunk[128..512]]);
        chunk[124..128].copy_from_slice(&head);
    }
}

/// The logs as other tools hand them over.
fn exported() -> Vec<(String, Vec<u8>)> {
    use evtx::{EvtxParser, ParserSettings};
    let story = Story::parse(&story()).unwrap();
    let mut found = Vec::new();
    for (at, (_, bytes)) in story.play().files.into_iter().enumerate() {
        if !bytes.starts_with(b"ElfFile") {
            continue;
        }
        let parser = || {
            EvtxParser::from_buffer(bytes.clone())
                .unwrap()
                .with_configuration(ParserSettings::new().num_threads(1).indent(false))
        };
        let (mut one, mut other) = (parser(), parser());
        let xml: String = one.records().map(|r| r.unwrap().data + "\n").collect();
        let json: String = other
            .records_json()
            .map(|r| r.unwrap().data.replace('\n', "") + "\n")
            .collect();
        let xml = format!("<Events>{xml}</Events>");
        found.push((format!("{}.xml", named(at)), xml.into_bytes()));
        found.push((format!("{}.json", named(at + 1)), json.into_bytes()));
    }
    found
}

/// A capture whose section, interface and packets are described by hostile text.
fn commented() -> Vec<u8> {
    fn block(kind: u32, mut body: Vec<u8>, options: &[(u16, &str)], out: &mut Vec<u8>) {
        for (code, text) in options {
            body.extend(code.to_le_bytes());
            body.extend((text.len() as u16).to_le_bytes());
            body.extend(text.as_bytes());
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body.extend([0; 4]);
        let length = (body.len() as u32 + 12).to_le_bytes();
        out.extend(kind.to_le_bytes());
        out.extend(length);
        out.extend(body);
        out.extend(length);
    }
    use casewire_lab::pcap::frame::{Ip, Link, udp};
    let mut out = Vec::new();
    let section = [
        &0x1a2b_3c4d_u32.to_le_bytes()[..],
        &[1, 0, 0, 0],
        &[0xff; 8],
    ]
    .concat();
    let described: Vec<(u16, &str)> = (1..5).zip(HOSTILE).collect();
    block(0x0a0d_0d0a, section, &described, &mut out);
    block(1, vec![1, 0, 0, 0, 0, 0, 4, 0], &described, &mut out);
    let link = Link {
        source: [2, 0, 0, 0, 0, 1],
        destination: [2, 0, 0, 0, 0, 2],
        vlans: Vec::new(),
    };
    let ip = Ip {
        source: "10.0.0.5".parse().unwrap(),
        destination: "10.0.0.2".parse().unwrap(),
        ttl: 64,
        id: 1,
    };
    for (at, text) in HOSTILE.iter().enumerate() {
        let frame = udp(&link, &ip, 4_000 + at as u16, 53, b"pwn\x1b[2J");
        let micros = 1_772_323_200_000_000_u64 + at as u64;
        let mut body = 0_u32.to_le_bytes().to_vec();
        body.extend(((micros >> 32) as u32).to_le_bytes());
        body.extend((micros as u32).to_le_bytes());
        body.extend((frame.len() as u32).to_le_bytes());
        body.extend((frame.len() as u32).to_le_bytes());
        body.extend(&frame);
        body.resize(body.len().next_multiple_of(4), 0);
        block(6, body, &[(1, text)], &mut out);
    }
    out
}

fn conn_log() -> String {
    let mut log =
        "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\t\
                   id.resp_p\tproto\tservice\tduration\tconn_state\thistory\n"
            .to_owned();
    for text in HOSTILE.map(|text| text.replace(['\n', '\t'], "")) {
        log.push_str(&format!(
            "1772323300.1\t{text}\t10.0.0.5\t40000\t203.0.113.9\t443\ttcp\t{text}\t1.0\tSF\t{text}\n"
        ));
        // And where only certain words belong.
        log.push_str(&format!(
            "1772323301.1\tC\t{text}\t40000\t203.0.113.9\t443\t{text}\t-\t1.0\t{text}\tS\n"
        ));
    }
    log
}

fn conn_json() -> String {
    let rows = HOSTILE.map(|text| {
        let row = serde_json::json!({
            "ts": 1_772_323_300.5, "uid": text, "id.orig_h": "10.0.0.5", "id.orig_p": 41_000,
            "id.resp_h": "203.0.113.9", "id.resp_p": 443, "proto": "tcp", "service": text,
            "conn_state": "SF", text: text,
        });
        let odd = serde_json::json!({
            "ts": text, "uid": "C", "id.orig_h": text, "id.orig_p": text, "id.resp_h": text,
            "id.resp_p": 1, "proto": text, "conn_state": text,
        });
        format!("{row}\n{odd}\n")
    });
    rows.concat()
}

fn firewall_log() -> String {
    let mut log =
        "#Version: 1.5\n#Software: pwn\u{1b}[2J\n#Time Format: Local\n#Fields: date time \
                   action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack \
                   tcpwin icmptype icmpcode info path pid\n"
            .to_owned();
    for text in HOSTILE.map(|text| text.replace([' ', '\n'], "_")) {
        log.push_str(&format!(
            "2026-03-01 02:00:01 DROP TCP 198.51.100.7 10.0.0.5 4000 4001 0 S 1 0 1 - - {text} RECEIVE 4\n"
        ));
        log.push_str(&format!(
            "2026-03-01 02:00:02 {text} {text} {text} {text} 4000 4001 0 {text} 1 0 1 - - - {text} {text}\n"
        ));
    }
    log
}

/// Any text as TOML writes it.
fn toml(text: &str) -> String {
    let each: String = text
        .chars()
        .map(|c| format!("\\U{:08x}", u32::from(c)))
        .collect();
    format!("\"{each}\"")
}

fn settings() -> String {
    let mut file = format!(
        "[case]\nid = {}\nexaminer = {}\n[segments]\n{} = [\"10.0.9.0/24\"]\n[hosts]\n",
        toml(HOSTILE[0]),
        toml(HOSTILE[4]),
        toml(HOSTILE[1])
    );
    for (at, text) in HOSTILE.iter().enumerate() {
        file.push_str(&format!("{} = [\"10.9.9.{at}\"]\n", toml(text)));
    }
    for text in HOSTILE {
        file.push_str(&format!(
            "[[suppress]]\nanalytic = \"AN1448\"\nhost = {1}\nprocess = {0}\nreason = {0}\nby = {0}\nuntil = \"2030-01-01\"\n",
            toml(text),
            toml(&text.replace(['/', ':'], ""))
        ));
    }
    file
}

/// How a reference is written on the command line.
pub fn reference(of: &Value) -> String {
    let evidence = of["evidence"].as_str().unwrap();
    match of["kind"].as_str().unwrap() {
        "packet" => format!("{evidence}:p{}", of["packet"]),
        "record" => format!("{evidence}:r{}", of["record_id"]),
        _ => format!("{evidence}:line{}", of["line"]),
    }
}
