//! Custody: evidence is only read, and a report is made of evidence that held still.

use assert_cmd::Command;
use casewire::evidence::Progress;
use casewire::investigate::{self, Error, Request};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");

fn copied(into: &Path) -> PathBuf {
    let evidence = into.join("evidence");
    std::fs::create_dir(&evidence).unwrap();
    for entry in std::fs::read_dir(DEMO).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, evidence.join(path.file_name().unwrap())).unwrap();
    }
    evidence
}

/// Changes a file when a phase of the run begins.
struct Meddler {
    phase: &'static str,
    file: PathBuf,
    same_length: bool,
    done: Mutex<bool>,
}

impl Progress for Meddler {
    fn total(&self, _: u64) {}
    fn bytes(&self, _: u64) {}

    fn phase(&self, name: &str) {
        let mut done = self.done.lock().unwrap();
        if name != self.phase || *done {
            return;
        }
        *done = true;
        if self.same_length {
            let mut bytes = std::fs::read(&self.file).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(&self.file, bytes).unwrap();
        } else {
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .open(&self.file)
                .unwrap();
            file.write_all(b"more").unwrap();
        }
    }
}

#[test]
fn evidence_that_changes_during_the_run_ends_it() {
    for (name, same_length) in [("sensor.pcapng", true), ("FS01-Security.evtx", false)] {
        let here = tempfile::tempdir().unwrap();
        let evidence = copied(here.path());
        let meddler = |phase| Meddler {
            phase,
            file: evidence.join(name),
            same_length,
            done: Mutex::new(false),
        };
        let mut request = Request::of(vec![evidence.clone()]);
        request.hash_again = true;
        // Behind the first reading: only the second hash can tell.
        let error = investigate::investigate(&request, &meddler("replaying")).unwrap_err();
        assert!(
            matches!(&error, Error::Changed(why) if why.contains(name)),
            "{error}"
        );
        // The same without anybody meddling passes.
        investigate::investigate(&request, &meddler("never")).unwrap();
    }
}

#[test]
fn a_file_that_grows_while_the_program_runs_is_exit_5_and_no_report() {
    let here = tempfile::tempdir().unwrap();
    let evidence = copied(here.path());
    let long = evidence.join("long.pcapng");
    let capture = std::fs::read(Path::new(DEMO).join("sensor.pcapng")).unwrap();
    std::fs::write(&long, capture.repeat(60)).unwrap();
    let case = here.path().join("case");
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("casewire"))
        .args([
            "-q",
            "analyze",
            evidence.to_str().unwrap(),
            "-o",
            case.to_str().unwrap(),
        ])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // From before it opens the file until it ends.
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&long)
        .unwrap();
    while child.try_wait().unwrap().is_none() {
        file.write_all(b"more").unwrap();
        file.flush().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("changed"), "{said}");
    assert!(output.stdout.is_empty());
    let left: Vec<_> = std::fs::read_dir(here.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["evidence"]);
}

/// Lines of a trace that open, make, rename or remove something below `folder` otherwise than for
/// reading.
fn writes(trace: &str, folder: &str) -> Vec<String> {
    let changing = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"];
    let calls = [
        "unlink",
        "unlinkat",
        "rename",
        "renameat",
        "renameat2",
        "mkdir",
        "mkdirat",
        "rmdir",
        "chmod",
        "fchmodat",
        "chown",
        "fchownat",
        "truncate",
        "utimensat",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
        "mknod",
        "setxattr",
    ];
    // `12 openat(AT_FDCWD, ..`: the number of the thread, then the call.
    let call = |line: &str| {
        let words = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        words.split('(').next().unwrap_or_default().to_owned()
    };
    trace
        .lines()
        .filter(|line| line.contains(folder))
        .filter(|line| {
            changing.iter().any(|flag| line.contains(flag)) || calls.contains(&call(line).as_str())
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn nothing_below_the_evidence_is_opened_for_writing() {
    let reads = "12 openat(AT_FDCWD, \"/e/a.pcap\", O_RDONLY|O_CLOEXEC) = 3";
    assert!(writes(reads, "/e/").is_empty());
    for breach in [
        "12 openat(AT_FDCWD, \"/e/a.pcap\", O_RDWR) = 3",
        "12 unlink(\"/e/a.pcap\") = 0",
        "12 utimensat(AT_FDCWD, \"/e/a.pcap\", NULL) = 0",
    ] {
        assert_eq!(writes(breach, "/e/").len(), 1, "{breach}");
    }
    let here = tempfile::tempdir().unwrap();
    let evidence = copied(here.path());
    let trace = here.path().join("trace");
    let program = assert_cmd::cargo::cargo_bin("casewire");
    let run = std::process::Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-s",
            "4096",
            "-e",
            "trace=%file,%network",
            "-o",
        ])
        .arg(&trace)
        .arg(program)
        .args(["-q", "analyze", evidence.to_str().unwrap(), "-o"])
        .arg(here.path().join("case"))
        .stdout(std::process::Stdio::null())
        .status();
    match run {
        Ok(status) if status.success() => {}
        other => {
            eprintln!("skipped: strace is not here or may not trace ({other:?})");
            return;
        }
    }
    let trace = std::fs::read_to_string(&trace).unwrap();
    let folder = evidence.to_str().unwrap();
    assert!(
        trace.contains(&format!("{folder}/sensor.pcapng")),
        "the trace saw nothing"
    );
    assert_eq!(writes(&trace, folder), Vec::<String>::new());
    let sockets: Vec<&str> = trace
        .lines()
        .filter(|l| l.contains("socket(") || l.contains("connect("))
        .collect();
    assert!(sockets.is_empty(), "{sockets:?}");
}

#[cfg(unix)]
#[test]
fn evidence_without_write_permission_is_read_all_the_same() {
    use std::os::unix::fs::PermissionsExt;
    let here = tempfile::tempdir().unwrap();
    let evidence = copied(here.path());
    let permit = |folder: u32, file: u32| {
        for entry in std::fs::read_dir(&evidence).unwrap() {
            std::fs::set_permissions(entry.unwrap().path(), std::fs::Permissions::from_mode(file))
                .unwrap();
        }
        std::fs::set_permissions(&evidence, std::fs::Permissions::from_mode(folder)).unwrap();
    };
    permit(0o555, 0o444);
    let output = Command::cargo_bin("casewire")
        .unwrap()
        .arg("analyze")
        .arg(&evidence)
        .output()
        .unwrap();
    permit(0o755, 0o644);
    assert_eq!(output.status.code(), Some(0));
}

/// A capture in a compressed tar, which is unpacked to a temporary file.
#[cfg(unix)]
fn packed(into: &Path) -> PathBuf {
    let path = into.join("triage.tar.gz");
    let file = std::fs::File::create(&path).unwrap();
    let packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let mut tar = tar::Builder::new(packer);
    tar.append_path_with_name(Path::new(DEMO).join("sensor.pcapng"), "sensor.pcapng")
        .unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    path
}

#[cfg(unix)]
#[test]
fn a_temporary_folder_that_is_missing_is_no_damage_of_the_evidence() {
    let here = tempfile::tempdir().unwrap();
    let archive = packed(here.path());
    let mut whole = Command::cargo_bin("casewire").unwrap();
    whole.arg("inventory").arg(&archive).assert().code(0);
    let zip = here.path().join("outer.zip");
    let mut outer = zip::ZipWriter::new(std::fs::File::create(&zip).unwrap());
    outer
        .start_file("triage.tar.gz", zip::write::SimpleFileOptions::default())
        .unwrap();
    outer.write_all(&std::fs::read(&archive).unwrap()).unwrap();
    outer.finish().unwrap();
    for path in [archive, zip] {
        let output = Command::cargo_bin("casewire")
            .unwrap()
            .arg("analyze")
            .arg(&path)
            .env("TMPDIR", here.path().join("gone"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(
            said.contains("free some space or set TMPDIR to a larger disk"),
            "{said}"
        );
        assert!(!said.contains("damaged"), "{said}");
    }
}
