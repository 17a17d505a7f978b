//! Client certificates: what is accepted as one, and to whom it is presented.

use super::*;

/// Of a server that requires client certificates.
struct Brand {
    clients: Authority,
    server: Server,
    url: String,
    root: Vec<u8>,
}

impl Brand {
    async fn new(version: &'static rustls::SupportedProtocolVersion) -> Self {
        let (servers, clients) = (Authority::new("servers").unwrap(), Authority::new("clients").unwrap());
        let certificate = servers.issue("server", &["127.0.0.1"], Validity::Valid).unwrap();
        let acceptor = acceptor(&certificate, Some(&clients), &[version]);
        let server = Server::start(move |stream| {
            let handshake = acceptor.accept(stream);
            async move { answer_for_ever(handshake.await?, OK).await }
        })
        .await;
        let url = format!("https://{}", server.address);
        Self { clients, server, url, root: servers.certificate().as_bytes().to_vec() }
    }

    async fn answer(&self, client_certificate: Option<ClientCertificate>) -> Result<Bytes, Error> {
        let options = Options { extra_root_certificates: self.root.clone(), client_certificate, ..Options::default() };
        Guest::where_names_lead_home(allow(&self.url), options).get(&self.url).await
    }
}

const VERSIONS: [&rustls::SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

/// A certificate that was valid when it was loaded.
fn loaded(identity: &Identity) -> ClientCertificate {
    let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    ClientCertificate(Arc::new(rustls::sign::CertifiedKey::new(chain, key)))
}

fn new(identity: &Identity) -> Result<ClientCertificate, ClientCertificateError> {
    ClientCertificate::new(identity.certificate.as_bytes(), identity.key.as_bytes())
}

fn alert(answer: Result<Bytes, Error>) -> rustls::AlertDescription {
    match answer {
        Err(Error::TlsAlertReceived { alert_id: Some(alert), .. }) => alert.into(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_right_certificate_is_accepted() {
    for version in VERSIONS {
        let brand = Brand::new(version).await;
        let right = brand.clients.issue("client", &[], Validity::Valid).unwrap();
        assert_eq!(brand.answer(Some(new(&right).unwrap())).await.unwrap(), "ok", "{version:?}");
    }
}

#[tokio::test]
async fn a_missing_wrong_or_expired_certificate_is_the_alert_of_the_server() {
    use rustls::AlertDescription::{CertificateExpired, CertificateRequired, DecryptError, UnknownCA};
    for version in VERSIONS {
        let brand = Brand::new(version).await;
        let wrong = Authority::new("clients").unwrap().issue("client", &[], Validity::Valid).unwrap();
        let unknown = Authority::new("others").unwrap().issue("client", &[], Validity::Valid).unwrap();
        let expired = brand.clients.issue("client", &[], Validity::Expired).unwrap();
        assert_eq!(alert(brand.answer(None).await), CertificateRequired, "{version:?}");
        assert_eq!(alert(brand.answer(Some(loaded(&unknown))).await), UnknownCA, "{version:?}");
        assert_eq!(alert(brand.answer(Some(loaded(&expired))).await), CertificateExpired, "{version:?}");
        // Signed by another authority of the same name.
        assert_eq!(alert(brand.answer(Some(loaded(&wrong))).await), DecryptError, "{version:?}");
        assert_eq!(brand.server.connections(), 4);
    }
}

#[tokio::test]
async fn a_handshake_that_the_server_rejects_is_its_alert() {
    // A fatal `handshake_failure`: OpenSSL's response to a missing certificate before TLS 1.3.
    let alert_record = [21, 3, 3, 0, 2, 2, 40];
    let server = Server::start(move |mut stream| async move {
        stream.read_u8().await?;
        stream.write_all(&alert_record).await?;
        // Unread bytes would make the end of the connection a reset, which can overtake the alert.
        while stream.read(&mut [0; 512]).await? > 0 {}
        Ok(())
    })
    .await;
    let url = format!("https://{}", server.address);
    assert_eq!(alert(Guest::new(allow(&url)).get(&url).await), rustls::AlertDescription::HandshakeFailure);
}

#[tokio::test]
async fn a_connection_that_ends_during_the_handshake_is_refused() {
    let server = Server::start(|mut stream| async move { stream.read(&mut [0; 4096]).await.map(|_| ()) }).await;
    let url = format!("https://{}", server.address);
    let answer = Guest::new(allow(&url)).get(&url).await;
    assert!(matches!(answer, Err(Error::ConnectionRefused)), "{answer:?}");
}

#[tokio::test]
async fn a_program_s_own_requests_present_no_certificate() {
    let brand = Brand::new(&rustls::version::TLS13).await;
    let right = brand.clients.issue("client", &[], Validity::Valid).unwrap();
    let options = Options {
        extra_root_certificates: brand.root.clone(),
        client_certificate: Some(new(&right).unwrap()),
        ..Options::default()
    };
    let pool = Pool::new(&Network::new(&options).unwrap());
    let refused = pool.send(Request::get(&brand.url).body(Bytes::new()).unwrap()).await.map(|_| Bytes::new());
    assert_eq!(alert(refused), rustls::AlertDescription::CertificateRequired);
}

#[tokio::test]
async fn an_unusable_certificate_or_key_is_rejected_with_a_remedy_and_without_the_key() {
    let authority = Authority::new("clients").unwrap();
    let issue = |validity| authority.issue("client", &[], validity).unwrap();
    let (valid, other) = (issue(Validity::Valid), issue(Validity::Valid));
    let encrypted =
        |label: &str, header: &str| format!("-----BEGIN {label}-----\n{header}QUJD\n-----END {label}-----\n");
    let cases = [
        (issue(Validity::Expired).certificate, &other.key, "expired on Thu, 31 Dec 2020 00:00:00 GMT"),
        (valid.certificate.clone(), &other.key, "the key does not belong to the certificate"),
        (valid.certificate.clone(), &encrypted("ENCRYPTED PRIVATE KEY", ""), "openssl pkey -in KEY"),
        (
            valid.certificate.clone(),
            &encrypted("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"),
            "openssl pkey -in KEY",
        ),
        (valid.certificate.clone(), &valid.certificate, "no private key in PEM form"),
        (valid.certificate.clone(), &encrypted("PRIVATE KEY", "secret!"), "no private key in PEM form"),
        (valid.certificate.clone(), &encrypted("PRIVATE KEY", ""), "use RSA, ECDSA"),
        (valid.key.clone(), &valid.key, "no certificate in PEM form"),
        (String::new(), &valid.key, "no certificate in PEM form"),
    ];
    for (certificate, key, expected) in cases {
        let error = ClientCertificate::new(certificate.as_bytes(), key.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let is_of_the_key = |line: &&str| line.len() > 2 && error.contains(*line);
        assert_eq!(key.lines().find(is_of_the_key), None, "{error}");
    }
}

#[test]
fn a_key_may_be_pkcs_8_pkcs_1_or_sec_1() {
    // Keys that openssl wrote for this test: `ecparam -genkey`, `genrsa -traditional`, and both after `pkcs8 -topk8 -nocrypt`.
    for (pkcs8, other) in [
        (include_str!("keys/ec-pkcs8.key"), include_str!("keys/ec-sec1.key")),
        (include_str!("keys/rsa-pkcs8.key"), include_str!("keys/rsa-pkcs1.key")),
    ] {
        let key = rcgen::KeyPair::from_pem(pkcs8).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap().pem();
        for key in [pkcs8, other] {
            ClientCertificate::new(certificate.as_bytes(), key.as_bytes()).unwrap();
        }
    }
}

#[test]
fn a_certificate_is_not_printed() {
    let identity = Authority::new("clients").unwrap().issue("client", &[], Validity::Valid).unwrap();
    let options = Options { client_certificate: Some(new(&identity).unwrap()), ..Options::default() };
    assert!(format!("{options:?}").contains("client_certificate: Some(ClientCertificate { .. })"));
}
