//! Files: reading small ones of bounded size (tokens, certificates, keys), and how many may be open.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// Files and connections that the process may have open, where the system tells.
pub(crate) fn most_open() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Reads a file of at most so many bytes.
pub(crate) fn read(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(ErrorKind::InvalidData, format!("it is larger than {most} bytes")));
    }
    Ok(bytes)
}
