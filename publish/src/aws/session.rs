//! Who we are for AWS: credentials and connections, shared by all regions.

use anyhow::{Result, anyhow};
use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use xtask::error::invalid;
use xtask::ui::Ui;
use xtask::ui::foreign::foreign;

use crate::model::{self, Partition};
use crate::store::{CONNECT_LIMIT, request_limit};

/// Credentials and connections.
#[derive(Debug)]
pub struct Session {
    config: SdkConfig,
}

impl Session {
    /// Finds credentials the way the AWS CLI does: environment, profiles, SSO, web identity, containers, instances.
    ///
    /// Whatever has to be asked for them, STS say, is asked in `region`, which decides the partition. `ui` will not show
    /// them.
    ///
    /// # Errors
    /// If there are none, or they cannot be fetched.
    pub async fn open(region: &model::Region, ui: &Ui) -> Result<Session> {
        let config = loader()
            .region(Region::new(region.name.clone()))
            // One for all regions: each would assume a role of its own otherwise.
            .identity_cache(IdentityCache::lazy().build())
            .http_client(connections())
            // Decided in `apply`: the SDK would publish a second time where an answer is lost.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts(0))
            .load()
            .await;
        let provider = config.credentials_provider().ok_or_else(|| anyhow!("no credentials for AWS are configured"))?;
        let credentials = provider.provide_credentials().await.map_err(|error| {
            invalid(format!(
                "there are no credentials for AWS: {}\n\nhint: set `AWS_PROFILE`, or see docs/publishing.md",
                foreign(&DisplayErrorContext(&error).to_string())
            ))
        })?;
        ui.keep_secret(credentials.secret_access_key());
        credentials.session_token().iter().for_each(|token| ui.keep_secret(token));
        Ok(Session { config })
    }

    /// With a configuration of the caller's, which need not lead to a network.
    pub fn of(config: SdkConfig) -> Session {
        Session { config }
    }

    /// The partition of the region that the user has configured; the commercial one where none is.
    pub async fn partition(known: &model::Regions) -> Partition {
        let region = loader().http_client(connections()).load().await.region().map(ToString::to_string);
        let known = region.and_then(|name| known.get(xtask::model::target::Cloud::Aws, &name).ok().cloned());
        known.map_or(Partition::Aws, |region| region.partition)
    }

    /// The configuration of a client for `region`.
    pub fn config(&self, region: &str) -> SdkConfig {
        self.config.to_builder().region(Region::new(region.to_owned())).build()
    }
}

/// How long a request with a body of so many bytes may take.
pub fn timeouts(bytes: u64) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_LIMIT).operation_timeout(request_limit(bytes)).build()
}

fn loader() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
}

/// Connections with rustls on ring, through the proxy that the environment names.
fn connections() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut builder = Connector::builder();
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder.proxy_config(ProxyConfig::from_env()).tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build()
    })
}
