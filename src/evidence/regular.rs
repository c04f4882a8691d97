//! What on a disk is evidence: regular files, whose bytes lie there and end.
//!
//! A pipe waits for a writer and a device may never end. The same goes for what a running system makes up
//! when it is read, which looks like regular files: `/proc/kmsg` waits for the next message, `/proc/kcore`
//! is as long as an address space. A link in a folder may lead to any of these.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// Where Linux has what it makes up when it is read.
const MADE_UP: [&str; 2] = ["/proc", "/sys"];

/// True for a real path of something the running system makes up.
pub fn is_made_up(real: &Path) -> bool {
    cfg!(target_os = "linux") && MADE_UP.iter().any(|top| real.starts_with(top))
}

/// Why what lies there is left out.
pub fn made_up() -> io::Error {
    io::Error::other("made up by the running system when it is read, not a file on a disk")
}

/// Opens a regular file, and nothing else.
///
/// # Errors
///
/// If it is something else, or the system does not let it be opened.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    // Opening a pipe would wait for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if is_made_up(&fs::canonicalize(path)?) {
        return Err(made_up());
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    // It may have been exchanged since.
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok((file, metadata))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_on_a_disk_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let link = |to: &str| {
            let path = folder.path().join(to.replace('/', "_"));
            std::os::unix::fs::symlink(to, &path).unwrap();
            open(&path).map(|_| ()).map_err(|error| error.to_string())
        };
        let not_regular = Err("not a regular file".to_owned());
        assert_eq!(link("/dev/zero"), not_regular);
        assert_eq!(link("/"), not_regular);
        assert_eq!(link("/proc/version"), Err(made_up().to_string()));
        std::fs::write(folder.path().join("file"), "x").unwrap();
        assert_eq!(link(folder.path().join("file").to_str().unwrap()), Ok(()));
        assert!(!is_made_up(Path::new("/process/file")));
    }
}
