//! Certificates for a server with TLS: a new authority for each server, and a certificate signed by
//! it.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// The names of the files, in the server's folder.
pub(crate) const AUTHORITY: &str = "authority.pem";
pub(crate) const SERVER: &str = "server.pem";
pub(crate) const SERVER_KEY: &str = "server-key.pem";

/// Writes all three files, with this name in the server's certificate.
pub(crate) fn write(folder: &Path, name: &str) {
    let key = || KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, key()).expect("a certificate");
    let server_key = key();
    let server = CertificateParams::new([name.to_owned()]).expect("a name");
    let server = server.signed_by(&server_key, &authority).expect("a certificate");
    let write = |name: &str, text: String| {
        std::fs::write(folder.join(name), text).expect("a file in the server's folder")
    };
    write(AUTHORITY, authority.pem());
    write(SERVER, server.pem());
    write(SERVER_KEY, server_key.serialize_pem());
}
