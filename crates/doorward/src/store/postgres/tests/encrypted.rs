//! TLS, against a server that speaks no further than its first word.

use std::{fs, path::Path};

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A server for one name, that takes TLS or does not, with what to trust it by; what it saw of a startup in clear or under
/// TLS.
struct Server {
    port: u16,
    startups: Arc<std::sync::Mutex<Vec<&'static str>>>,
    folder: tempfile::TempDir,
}

impl Server {
    async fn start(name: &str, takes_tls: bool) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            startups: Arc::default(),
            folder,
        };
        let startups = Arc::clone(&server.startups);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, startups) = (acceptor.clone(), Arc::clone(&startups));
                tokio::spawn(async move {
                    let met = meet(socket, &acceptor, takes_tls).await;
                    if let Ok(how) = met {
                        startups.lock().unwrap().push(how);
                    }
                });
            }
        });
        server
    }

    fn ca(&self) -> std::path::PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Tries to connect under this name, trusting these; what was said.
    async fn connect(&self, name: &str, trusting: Option<&Path>, mode: &str) -> String {
        let url = format!(
            "host={name} hostaddr=127.0.0.1 port={} user=doorward password=secret {mode}",
            self.port
        );
        let settings = Database {
            ca_file: trusting.map(Path::to_owned),
            ..settings(&url)
        };
        match open_with(&settings).await {
            Err(Error::Unavailable(cause)) => cause.to_string(),
            Err(other) => format!("{other:?}"),
            Ok(_) => panic!("there is no such server"),
        }
    }

    fn startups(&self) -> Vec<&'static str> {
        self.startups.lock().unwrap().clone()
    }
}

async fn meet(
    mut socket: TcpStream,
    acceptor: &TlsAcceptor,
    takes_tls: bool,
) -> std::io::Result<&'static str> {
    // An SSLRequest, or the startup itself.
    let mut head = [0; 8];
    socket.read_exact(&mut head).await?;
    if head[4..] != [4, 210, 22, 47] {
        return Ok("in clear");
    }
    if !takes_tls {
        socket.write_all(b"N").await?;
        socket.read_exact(&mut head).await?;
        return Ok("in clear");
    }
    socket.write_all(b"S").await?;
    let mut stream = acceptor.accept(socket).await?;
    stream.read_exact(&mut head).await?;
    Ok("under TLS")
}

/// A server that proves the name that was asked for gets the first word under TLS.
#[tokio::test]
async fn a_server_that_proves_its_name_is_spoken_to_under_tls() {
    let server = Server::start("db.example.com", true).await;

    for mode in ["", "sslmode=require", "sslmode=verify-full"] {
        server
            .connect("db.example.com", Some(&server.ca()), mode)
            .await;
    }

    assert_eq!(server.startups(), ["under TLS"; 3]);
}

/// One that has another name, is vouched for by nobody, or takes no TLS, gets no word.
#[tokio::test]
async fn a_server_that_proves_nothing_is_not_spoken_to() {
    let server = Server::start("db.example.com", true).await;
    let plain = Server::start("db.example.com", false).await;

    let other_name = server
        .connect("db.example.org", Some(&server.ca()), "")
        .await;
    let unknown = server
        .connect("db.example.com", Some(&plain.ca()), "")
        .await;
    let in_clear = plain.connect("db.example.com", Some(&plain.ca()), "").await;

    assert!(other_name.contains("certificate"), "{other_name}");
    assert!(unknown.contains("certificate"), "{unknown}");
    assert!(in_clear.contains("does not support TLS"), "{in_clear}");
    assert!(server.startups().is_empty() && plain.startups().is_empty());

    // Unless the operator has said so.
    plain
        .connect("db.example.com", None, "sslmode=disable")
        .await;
    until("in clear", async || plain.startups() == ["in clear"]).await;
}
