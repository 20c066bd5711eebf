//! TLS: certificate and key from files, read again when they change.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

use super::config::TlsFiles;
use super::{ServeError, files};

/// A longer file is no certificate.
const MOST_BYTES: u64 = 1 << 20;

/// The configuration that new connections get.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    current: RwLock<(Arc<ServerConfig>, [u8; 32])>,
}

impl Tls {
    pub(crate) fn load(files: TlsFiles) -> Result<Self, ServeError> {
        let current = read(&files)?;
        Ok(Self { files, current: RwLock::new(current) })
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Reads the files again; the old certificate stays where that fails. Whether they changed.
    pub(crate) fn reload(&self) -> Result<bool, ServeError> {
        let fresh = read(&self.files)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let changed = current.1 != fresh.1;
        if changed {
            *current = fresh;
        }
        Ok(changed)
    }
}

/// The configuration, and a digest of the files.
fn read(tls: &TlsFiles) -> Result<(Arc<ServerConfig>, [u8; 32]), ServeError> {
    let failed = |path: &std::path::Path, why: String| ServeError::Tls { path: path.to_owned(), why };
    let bytes = |path: &std::path::Path| {
        files::read(path, MOST_BYTES).map_err(|error| failed(path, error.to_string()))
    };
    let (certificate, key) = (bytes(&tls.certificate)?, bytes(&tls.key)?);
    let digest = Sha256::new().chain_update(&certificate).chain_update(&key).finalize().into();
    let chain = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed(&tls.certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(failed(&tls.certificate, "it has no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| failed(&tls.key, error.to_string()))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| failed(&tls.key, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((Arc::new(config), digest))
}
