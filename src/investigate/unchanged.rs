//! The evidence hashed a second time, when everything else is done: what the report says of a file
//! is then true of the file that lies there.

use super::Error;
use crate::case::EvidenceRow;
use crate::evidence::{EvidenceFile, Input, Problems, Progress};
use std::io::Read;

/// Hashes each file again that has a hash.
///
/// # Errors
/// `Error::Changed` for the first file that is not what it was.
pub(super) fn hold(
    files: &[EvidenceFile],
    rows: &[EvidenceRow],
    progress: &dyn Progress,
) -> Result<(), Error> {
    for row in rows {
        let (Some(before), Some(file)) = (row.sha256, files.iter().find(|f| f.id == row.id)) else {
            continue;
        };
        if hash(file, progress) != Some(before) {
            return Err(Error::Changed(format!(
                "{} changed during the run, so no report is made; work on a copy",
                file.path.display()
            )));
        }
    }
    Ok(())
}

fn hash(file: &EvidenceFile, progress: &dyn Progress) -> Option<[u8; 32]> {
    let mut input = Input::open(file, true).ok()?;
    let mut block = vec![0; 1 << 16];
    while let Ok(read) = input.read(&mut block) {
        if read == 0 {
            break;
        }
        progress.bytes(read as u64);
    }
    input.finish(&mut Problems::default()).sha256
}
