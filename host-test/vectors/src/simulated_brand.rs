//! A simulated brand, created and controlled over HTTP with the simulator's control API.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Method;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A simulated brand.
pub struct SimulatedBrand {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
}

impl SimulatedBrand {
    /// Creates a brand. Returns it with the members of the response, which scenarios use as placeholders.
    ///
    /// # Errors
    /// The status and text of the response, if the simulator rejects the scenario.
    pub async fn create(control: &str, simulator: &Value) -> Result<(Self, BTreeMap<String, String>), String> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut brand = Self { client, url: format!("{control}/scenarios") };
        let placeholders: BTreeMap<String, String> =
            serde_json::from_value(brand.send(Method::POST, Some(simulator)).await?)
                .map_err(|error| error.to_string())?;
        brand.url = format!("{control}{}", placeholders["scenario"]);
        Ok((brand, placeholders))
    }

    /// Applies a change.
    ///
    /// # Errors
    /// As for [`Self::create`].
    pub async fn change(&self, change: &Value) -> Result<(), String> {
        self.send(Method::POST, Some(change)).await.map(drop)
    }

    /// What the simulator recorded.
    ///
    /// # Errors
    /// As for [`Self::create`].
    pub async fn seen(&self) -> Result<Value, String> {
        self.send(Method::GET, None).await
    }

    /// Deletes the brand.
    ///
    /// # Errors
    /// As for [`Self::create`].
    pub async fn delete(&self) -> Result<(), String> {
        self.send(Method::DELETE, None).await.map(drop)
    }

    /// Sends a request to the brand's own URL; the result is `null` if the response has no body.
    ///
    /// # Errors
    /// As for [`Self::create`].
    pub async fn send(&self, method: Method, body: Option<&Value>) -> Result<Value, String> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = hyper::Request::builder().method(method).uri(&self.url).body(Full::from(body));
        let request = request.map_err(|error| error.to_string())?;
        let response = self.client.request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        if !status.is_success() {
            return Err(format!("the control API of the simulator responds with {status}: {text}"));
        }
        if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text).map_err(|error| error.to_string()) }
    }
}
