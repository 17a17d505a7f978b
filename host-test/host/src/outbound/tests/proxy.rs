//! Connections through a proxy: what a tunnel that is not opened proves, and what passes through one that is.

use tokio::io::copy_bidirectional;

use super::*;

const TUNNEL: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// A proxy that responds to `CONNECT` with this text, and opens a tunnel to this machine if it is a success. Reports the heads of the
/// requests.
async fn proxy(response: &'static str) -> (Server, mpsc::UnboundedReceiver<String>) {
    let (seen, requests) = mpsc::unbounded_channel();
    let server = Server::start(move |mut stream| {
        let seen = seen.clone();
        async move {
            let head = request(&mut stream).await?;
            let port = head.split([':', ' ']).nth(2).unwrap().parse::<u16>().unwrap();
            seen.send(head).unwrap();
            stream.write_all(response.as_bytes()).await?;
            if response.contains(" 200 ") {
                let mut origin = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
                copy_bidirectional(&mut stream, &mut origin).await?;
            }
            Ok(())
        }
    });
    (server.await, requests)
}

/// A guest behind a proxy. No name resolves: the proxy resolves names.
fn behind(proxy: &str, exceptions: &str, policy: EgressPolicy, options: Options) -> Guest {
    let options = Options { proxy: Some(Proxy::new(proxy, exceptions).unwrap()), ..options };
    Guest::with(policy, options, Arc::new(|_| Box::pin(async { Err(io::Error::other("no such host")) })))
}

fn trusting(root: &[u8]) -> Options {
    Options { extra_root_certificates: root.to_vec(), ..Options::default() }
}

#[tokio::test]
async fn a_connection_is_a_tunnel_and_is_used_again() {
    let (origin, root) = tls_server(OK).await;
    let url = format!("https://fra1.qualtrics.com:{}", origin.address.port());
    for established in [TUNNEL, "HTTP/1.0 200 OK\r\nproxy-agent: a\r\ncontent-length: 0\r\n\r\n"] {
        let (proxy, mut requests) = proxy(established).await;
        let mut guest = behind(&format!("http://user:pass%20word@{}", proxy.address), "", allow(&url), trusting(&root));
        for _ in 0..3 {
            assert_eq!(guest.get(&url).await.unwrap(), "ok");
        }
        assert_eq!(proxy.connections(), 1);
        let target = format!("fra1.qualtrics.com:{}", origin.address.port());
        let sent = requests.recv().await.unwrap().to_lowercase();
        assert!(sent.starts_with(&format!("connect {target} http/1.1\r\n")), "{sent}");
        assert!(sent.contains(&format!("host: {target}\r\n")), "{sent}");
        // `user:pass word`
        assert!(sent.contains(&"proxy-authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n".to_lowercase()), "{sent}");
        assert!(!sent.contains("authorization: bearer"), "{sent}");
    }
}

#[tokio::test]
async fn a_tunnel_that_a_proxy_does_not_open_has_a_code_of_its_own() {
    let url = "https://fra1.qualtrics.com";
    let denied = |result: &Result<Bytes, Error>| matches!(result, Err(Error::DestinationNotFound));
    let failed = |result: &Result<Bytes, Error>| matches!(result, Err(Error::DestinationUnavailable));
    let refusals = ["407 Proxy Authentication Required", "403 Forbidden", "404 Not Found", "302 Found"];
    for (statuses, expected) in [
        (&refusals[..], &denied as &dyn Fn(&Result<Bytes, Error>) -> bool),
        (&["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "429 Too Many Requests"], &failed),
    ] {
        for status in statuses {
            let response = format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\n<html");
            let (proxy, _requests) = proxy(response.leak()).await;
            let result =
                behind(&format!("http://{}", proxy.address), "", allow(url), Options::default()).get(url).await;
            assert!(expected(&result), "{status}: {result:?}");
            assert_eq!(proxy.connections(), 1, "{status}");
        }
    }
    // The connection is closed; not HTTP; a head that does not end.
    for response in ["", "220 smtp ready\r\n\r\n", "HTTP/1.1 200 OK\r\n"] {
        let (proxy, _requests) = proxy(response).await;
        let result = behind(&format!("http://{}", proxy.address), "", allow(url), Options::default()).get(url).await;
        assert!(failed(&result), "{response}: {result:?}");
    }
    let silent = Server::start(|stream| async move {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    let result = behind(&format!("http://{}", silent.address), "", allow(url), Options::default()).get(url).await;
    assert!(failed(&result), "a time-out: {result:?}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let result = behind(&format!("http://{nobody}"), "", allow(url), Options::default()).get(url).await;
    assert!(failed(&result), "no proxy: {result:?}");
    let result = behind("http://proxy.example.com:3128", "", allow(url), Options::default()).get(url).await;
    assert!(failed(&result), "the name of the proxy does not resolve: {result:?}");
}

#[tokio::test]
async fn an_origin_that_is_not_allowed_is_denied_before_the_proxy_is_contacted() {
    let (proxy, _requests) = proxy(TUNNEL).await;
    let address = format!("http://{}", proxy.address);
    // Allowing the proxy itself changes nothing.
    for policy in [allow("https://fra1.qualtrics.com"), allow(&address)] {
        let mut guest = behind(&address, "", policy, Options::default());
        let denied = guest.get("https://example.com").await;
        assert!(matches!(denied, Err(Error::HttpRequestDenied)), "{denied:?}");
    }
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn exceptions_and_plain_http_connect_directly_and_their_addresses_are_checked() {
    let (origin, root) = tls_server(OK).await;
    let url = format!("https://fra1.qualtrics.com:{}", origin.address.port());
    let (proxy, _requests) = proxy(TUNNEL).await;
    let direct = |exceptions: &str, policy| {
        let proxy = Proxy::new(&format!("http://{}", proxy.address), exceptions).unwrap();
        Guest::where_names_lead_home(policy, Options { proxy: Some(proxy), ..trusting(&root) })
    };
    for exceptions in ["fra1.qualtrics.com", "example.com, .qualtrics.com", "*"] {
        let answer = direct(exceptions, allow(&url).allow_private_addresses()).get(&url).await;
        assert_eq!(answer.unwrap(), "ok", "{exceptions}");
        let denied = direct(exceptions, allow(&url)).get(&url).await;
        assert!(matches!(denied, Err(Error::DestinationIpProhibited)), "{exceptions}: {denied:?}");
    }
    let plain = Server::start(|stream| answer_for_ever(stream, OK)).await;
    assert_eq!(direct("", allow(&plain.url())).get(&plain.url()).await.unwrap(), "ok");
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn a_certificate_is_presented_to_the_origin_and_not_to_the_proxy() {
    let (servers, clients) = (Authority::new("servers").unwrap(), Authority::new("clients").unwrap());
    let certificate = servers.issue("server", &["127.0.0.1"], Validity::Valid).unwrap();
    let client = clients.issue("client", &[], Validity::Valid).unwrap();
    let origin_tls = acceptor(&certificate, Some(&clients), rustls::DEFAULT_VERSIONS);
    let origin = Server::start(move |stream| {
        let handshake = origin_tls.accept(stream);
        async move { answer_for_ever(handshake.await?, OK).await }
    })
    .await;
    let url = format!("https://{}", origin.address);
    let options = || Options {
        client_certificate: Some(ClientCertificate::new(client.certificate.as_bytes(), client.key.as_bytes()).unwrap()),
        ..trusting(servers.certificate().as_bytes())
    };
    // This proxy accepts a client with a certificate only, and the other any.
    for (client_authority, is_reached) in [(Some(&clients), false), (None, true)] {
        let proxy_tls = acceptor(&certificate, client_authority, rustls::DEFAULT_VERSIONS);
        let address = origin.address;
        let proxy = Server::start(move |stream| {
            let handshake = proxy_tls.accept(stream);
            async move {
                let mut stream = handshake.await?;
                request(&mut stream).await?;
                stream.write_all(TUNNEL.as_bytes()).await?;
                copy_bidirectional(&mut stream, &mut TcpStream::connect(address).await?).await?;
                Ok(())
            }
        })
        .await;
        let result = behind(&format!("https://{}", proxy.address), "", allow(&url), options()).get(&url).await;
        match result {
            Ok(answer) => assert!(is_reached && answer == "ok"),
            Err(error) => assert!(!is_reached && matches!(error, Error::DestinationUnavailable), "{error:?}"),
        }
        let untrusting = Options { extra_root_certificates: Vec::new(), ..options() };
        let result = behind(&format!("https://{}", proxy.address), "", allow(&url), untrusting).get(&url).await;
        assert!(matches!(result, Err(Error::DestinationNotFound)), "{result:?}");
    }
}

#[tokio::test]
async fn a_tunnel_to_another_server_is_a_certificate_error_of_the_origin() {
    let (inspector, root) = tls_server(OK).await;
    let url = format!("https://fra1.qualtrics.com:{}", inspector.address.port());
    let (proxy, _requests) = proxy(TUNNEL).await;
    let address = format!("http://{}", proxy.address);
    let untrusted = behind(&address, "", allow(&url), Options::default()).get(&url).await;
    assert!(matches!(untrusted, Err(Error::TlsCertificateError)), "{untrusted:?}");
    assert_eq!(behind(&address, "", allow(&url), trusting(&root)).get(&url).await.unwrap(), "ok");
}

#[test]
fn a_proxy_is_an_http_url_and_neither_errors_nor_debug_show_its_password() {
    for url in ["proxy.example.com:3128", "http://proxy.example.com:3128", "https://user:s%40cret@10.0.0.1"] {
        let proxy = Proxy::new(url, "example.com").unwrap();
        assert!(!format!("{proxy:?}").contains("s%40cret") && !format!("{proxy:?}").contains("user"), "{proxy:?}");
    }
    for url in ["", "/proxy", "socks5://proxy:1080", "ftp://user:s@cret@proxy", "http://user:s cret@proxy", "http://"] {
        let error = Proxy::new(url, "").unwrap_err().to_string();
        assert!(error.contains("http://proxy.example.com:3128") && !error.contains("cret"), "{url}: {error}");
    }
}
