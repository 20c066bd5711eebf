//! A report, packed: ten thousand of them shall fit into memory.

use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::report::model::Report;

/// A report as gzipped JSON; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedReport(Arc<[u8]>);

impl PackedReport {
    /// Packs a report.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub fn pack(report: &Report) -> std::io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        serde_json::to_writer(&mut encoder, report)?;
        encoder.flush()?;
        Ok(Self(encoder.finish()?.into()))
    }

    /// The report again.
    ///
    /// # Errors
    /// Where the bytes are not what [`Self::pack`] made, which only a broken store gives.
    pub fn unpack(&self) -> std::io::Result<Report> {
        let mut json = Vec::new();
        GzDecoder::new(&*self.0).read_to_end(&mut json)?;
        Ok(serde_json::from_slice(&json)?)
    }

    /// Bytes it takes.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The packed bytes, for a store that writes them somewhere.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From the bytes that such a store read.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}
