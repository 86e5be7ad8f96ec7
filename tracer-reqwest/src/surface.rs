//! reqwest's methods, passed through: written once for the client that waits and the one that blocks, whose types differ
//! and whose methods do not.

/// What a client can do but send. `$path` is reqwest's client, for the documentation.
macro_rules! client {
    ($inner:ty, $path:literal) => {
        impl Client {
            #[doc = concat!("As [`", $path, "::new`].")]
            ///
            /// # Panics
            /// When TLS cannot be set up or the system's resolver configuration cannot be read, as that does. With
            /// [`builder`](Self::builder) these are errors.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            #[doc = concat!("As [`", $path, "::builder`].")]
            pub fn builder() -> ClientBuilder {
                ClientBuilder::new()
            }

            /// Uses this tracer and no other.
            #[must_use]
            pub fn with_tracer(self, tracer: &Tracer) -> Self {
                let layer = self.layer().with_tracer(tracer);
                self.with_layer(layer)
            }

            /// Records what this layer says: allow-lists of headers, conventions, names, what is an error.
            ///
            /// ```
            /// use tracer_tower::client::TraceLayer;
            ///
            /// let http = tracer_reqwest::Client::new().with_layer(TraceLayer::new().peer_service("inventory"));
            /// ```
            #[must_use]
            pub fn with_layer(mut self, layer: TraceLayer) -> Self {
                self.layer = Some(layer);
                self
            }

            fn layer(&self) -> TraceLayer {
                self.layer.clone().unwrap_or_else(send::layer)
            }

            /// The client inside, whose calls are not traced.
            #[must_use]
            pub fn as_untraced(&self) -> &$inner {
                &self.inner
            }

            $crate::surface::verbs!($path: get post put patch delete head);

            #[doc = concat!("As [`", $path, "::request`].")]
            pub fn request<U: IntoUrl>(&self, method: Method, url: U) -> RequestBuilder {
                self.wrap(self.inner.request(method, url))
            }
        }

        impl From<$inner> for Client {
            fn from(inner: $inner) -> Self {
                Self { inner, layer: None }
            }
        }
    };
}

macro_rules! verbs {
    ($path:literal: $($verb:ident)*) => {$(
        #[doc = concat!("As [`", $path, "::", stringify!($verb), "`].")]
        pub fn $verb<U: IntoUrl>(&self, url: U) -> RequestBuilder {
            self.wrap(self.inner.$verb(url))
        }
    )*};
}

/// What the builder of a client can do.
macro_rules! client_builder {
    ($inner:ty, $path:literal) => {
        impl ClientBuilder {
            #[doc = concat!("As [`", $path, "::new`].")]
            pub fn new() -> Self {
                Self::default()
            }

            #[doc = concat!("As [`", $path, "::build`].")]
            ///
            /// # Errors
            /// Those of `build`.
            pub fn build(self) -> Result<Client, Error> {
                Ok(Client {
                    inner: self.inner.build()?,
                    layer: self.layer,
                })
            }

            /// Sets what this builder has no method for: `configure(|builder| builder.dns_resolver(mine))`.
            pub fn configure(mut self, set: impl FnOnce($inner) -> $inner) -> Self {
                self.inner = set(self.inner);
                self
            }

            /// As [`Client::with_layer`].
            pub fn with_layer(mut self, layer: TraceLayer) -> Self {
                self.layer = Some(layer);
                self
            }

            #[doc = concat!("As [`", $path, "::user_agent`].")]
            pub fn user_agent<V>(self, value: V) -> Self
            where
                V: TryInto<HeaderValue>,
                V::Error: Into<http::Error>,
            {
                self.configure(|inner| inner.user_agent(value))
            }

            $crate::surface::pass_through! {
                $path:
                default_headers(headers: HeaderMap);
                redirect(policy: reqwest::redirect::Policy);
                referer(enable: bool);
                retry(policy: reqwest::retry::Builder);
                proxy(proxy: reqwest::Proxy);
                no_proxy();
                connection_verbose(verbose: bool);
                pool_idle_timeout<D: Into<Option<Duration>>>(timeout: D);
                pool_max_idle_per_host(max: usize);
                http1_title_case_headers();
                http1_only();
                tcp_nodelay(enabled: bool);
                local_address<T: Into<Option<IpAddr>>>(address: T);
                tcp_keepalive<D: Into<Option<Duration>>>(interval: D);
                https_only(enabled: bool);
                resolve(domain: &str, address: SocketAddr);
                resolve_to_addrs(domain: &str, addresses: &[SocketAddr]);
                no_gzip();
                no_brotli();
                no_zstd();
                no_deflate();
                #[cfg(feature = "http2")] http2_prior_knowledge();
                #[cfg(feature = "http2")] http2_adaptive_window(enabled: bool);
                #[cfg(feature = "cookies")] cookie_store(enable: bool);
                #[cfg(feature = "gzip")] gzip(enable: bool);
                #[cfg(feature = "brotli")] brotli(enable: bool);
                #[cfg(feature = "zstd")] zstd(enable: bool);
                #[cfg(feature = "deflate")] deflate(enable: bool);
                #[cfg(feature = "hickory-dns")] hickory_dns(enable: bool);
            }
        }
    };
}

macro_rules! pass_through {
    ($path:literal: $($(#[$cfg:meta])* $method:ident $(<$($generic:ident: $bound:path),+>)? ($($argument:ident: $type:ty),*);)*) => {$(
        #[doc = concat!("As `", $path, "::", stringify!($method), "`.")]
        $(#[$cfg])*
        pub fn $method$(<$($generic: $bound),+>)?(self, $($argument: $type),*) -> Self {
            self.configure(|inner| inner.$method($($argument),*))
        }
    )*};
}

/// What the builder of a request can do but send it.
macro_rules! request_builder {
    ($inner:ty, $path:literal, $request:ty, $body:ty, $form:ty) => {
        impl RequestBuilder {
            pub(super) fn new(inner: $inner, layer: Option<TraceLayer>) -> Self {
                Self {
                    inner,
                    layer,
                    operation: None,
                }
            }

            #[doc = concat!("As [`", $path, "::from_parts`].")]
            pub fn from_parts(client: Client, request: $request) -> Self {
                Self::new(<$inner>::from_parts(client.inner, request), client.layer)
            }

            fn map(mut self, map: impl FnOnce($inner) -> $inner) -> Self {
                self.inner = map(self.inner);
                self
            }

            /// Names the operation of this call; without it that is the method.
            ///
            /// Names are few: say `list orders`, not `order 7`.
            pub fn operation(mut self, name: impl Into<Cow<'static, str>>) -> Self {
                self.operation = Some(name.into());
                self
            }

            #[doc = concat!("As [`", $path, "::header`].")]
            pub fn header<K, V>(self, key: K, value: V) -> Self
            where
                HeaderName: TryFrom<K>,
                <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
                HeaderValue: TryFrom<V>,
                <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
            {
                self.map(|inner| inner.header(key, value))
            }

            #[doc = concat!("As [`", $path, "::headers`].")]
            pub fn headers(self, headers: HeaderMap) -> Self {
                self.map(|inner| inner.headers(headers))
            }

            #[doc = concat!("As [`", $path, "::basic_auth`].")]
            pub fn basic_auth<U: fmt::Display, P: fmt::Display>(
                self,
                username: U,
                password: Option<P>,
            ) -> Self {
                self.map(|inner| inner.basic_auth(username, password))
            }

            #[doc = concat!("As [`", $path, "::bearer_auth`].")]
            pub fn bearer_auth<T: fmt::Display>(self, token: T) -> Self {
                self.map(|inner| inner.bearer_auth(token))
            }

            #[doc = concat!("As [`", $path, "::body`].")]
            pub fn body<T: Into<$body>>(self, body: T) -> Self {
                self.map(|inner| inner.body(body))
            }

            #[doc = concat!("As [`", $path, "::timeout`].")]
            pub fn timeout(self, timeout: Duration) -> Self {
                self.map(|inner| inner.timeout(timeout))
            }

            #[doc = concat!("As [`", $path, "::version`].")]
            pub fn version(self, version: Version) -> Self {
                self.map(|inner| inner.version(version))
            }

            #[doc = concat!("As `", $path, "::json`.")]
            #[cfg(feature = "json")]
            pub fn json<T: serde::Serialize + ?Sized>(self, json: &T) -> Self {
                self.map(|inner| inner.json(json))
            }

            #[doc = concat!("As `", $path, "::query`.")]
            #[cfg(feature = "query")]
            pub fn query<T: serde::Serialize + ?Sized>(self, query: &T) -> Self {
                self.map(|inner| inner.query(query))
            }

            #[doc = concat!("As `", $path, "::form`.")]
            #[cfg(feature = "form")]
            pub fn form<T: serde::Serialize + ?Sized>(self, form: &T) -> Self {
                self.map(|inner| inner.form(form))
            }

            #[doc = concat!("As `", $path, "::multipart`.")]
            #[cfg(feature = "multipart")]
            pub fn multipart(self, form: $form) -> Self {
                self.map(|inner| inner.multipart(form))
            }

            #[doc = concat!("As [`", $path, "::build`].")]
            ///
            /// # Errors
            /// Those of `build`.
            pub fn build(self) -> Result<$request, Error> {
                self.inner.build()
            }

            #[doc = concat!("As [`", $path, "::build_split`].")]
            pub fn build_split(self) -> (Client, Result<$request, Error>) {
                let (inner, request) = self.inner.build_split();
                let layer = self.layer;
                (Client { inner, layer }, request)
            }

            #[doc = concat!("As [`", $path, "::try_clone`].")]
            #[must_use]
            pub fn try_clone(&self) -> Option<Self> {
                let inner = self.inner.try_clone()?;
                Some(Self {
                    inner,
                    layer: self.layer.clone(),
                    operation: self.operation.clone(),
                })
            }
        }
    };
}

pub(crate) use {client, client_builder, pass_through, request_builder, verbs};
