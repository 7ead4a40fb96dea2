//! Builds: the images of the registry that a Dockerfile names are pulled before the engine looks for them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use wfrun_agent::dockerfile::needs;
use wfrun_agent::ecr_registry::is_amazons;

use super::head::{self, Head};
use super::relay::{ask, ask_with, refuse};
use super::rewrite::{Image, Rewrite, encoded, others, parameter, without_version};
use super::{Shared, no_engine, refuse_foreign, splice};

/// Nobody writes a longer Dockerfile.
const DOCKERFILE_LIMIT: u64 = 4 * 1024 * 1024;

/// Whether a request is for a build of a context that its body is.
///
/// Source: Docker Engine API 1.41, `ImageBuild`.
pub(super) fn is_asked(head: &Head) -> bool {
    let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
    let is_elsewhere = parameter(query, "remote").is_some_and(|it| !it.is_empty());
    // `BuildKit` has the context from elsewhere, too, and looks up itself what it needs.
    let is_build_kits = parameter(query, "version").as_deref() == Some("2");
    head.method == "POST" && without_version(path).1 == "/build" && !is_elsewhere && !is_build_kits
}

/// Carries out a build of a context that is the request's body.
pub(super) async fn build(mut client: UnixStream, shared: &Shared, head: &Head, rest: Vec<u8>) -> io::Result<()> {
    let context = match receive(&mut client, head, rest, shared.path.parent().unwrap_or(Path::new("."))).await {
        Ok(context) => context,
        Err(err) if err.kind() == io::ErrorKind::InvalidData => {
            return refuse(&mut client, 400, &format!("wfrun: the build context cannot be read: {err}")).await;
        }
        Err(err) => return Err(err),
    };
    let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
    let dockerfile = parameter(query, "dockerfile").filter(|it| !it.is_empty());
    let dockerfile = dockerfile.unwrap_or_else(|| "Dockerfile".to_owned());
    let arguments =
        parameter(query, "buildargs").and_then(|it| serde_json::from_str::<BTreeMap<String, Option<String>>>(&it).ok());
    let arguments =
        arguments.unwrap_or_default().into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let looked_at = context.try_clone()?;
    let images =
        tokio::task::spawn_blocking(move || needs(&read_dockerfile(looked_at, &dockerfile), &arguments).images);
    let images: Vec<String> = images.await.map_err(io::Error::other)?;
    let mut head = head.clone();
    let version = without_version(path).0;
    let pulls = parameter(query, "pull").is_some_and(|it| matches!(&*it, "1" | "true" | "True"));
    for image in images.iter().filter(|it| is_amazons(it)) {
        // The engine would pull it from Amazon.
        head = head.to(format!("{path}?{}", others(query, &["pull"]).trim_start_matches('&')));
        let asked = Head::of("POST", &format!("{version}/images/create?fromImage={}", encoded(image)));
        let rewrite = Rewrite::of(&asked, &shared.registry);
        if let Some(Rewrite::Pull(found)) = &rewrite {
            match shared.provide(&head, version, found, pulls).await {
                Ok(None) => {}
                Ok(Some((status, message))) => return refuse(&mut client, status, &message).await,
                Err(err) => return no_engine(&mut client, &err).await,
            }
        } else if let Some(Rewrite::Foreign(host)) = &rewrite {
            let is_there = ask(&shared.engine, "GET", &format!("{version}/images/{image}/json")).await?.0 < 300;
            if pulls || !is_there {
                return refuse_foreign(&mut client, &shared.registry, host).await;
            }
        }
    }
    forward(client, &shared.engine, &head, context).await
}

impl Shared {
    /// Sees to it that the engine has an image of the registry under Amazon's name; else gives a status, and why not.
    async fn provide(
        &self,
        head: &Head,
        version: &str,
        image: &Image,
        pulls: bool,
    ) -> io::Result<Option<(u16, String)>> {
        let (status, _) = ask(&self.engine, "GET", &format!("{version}/images/{}/json", image.as_amazon())).await?;
        if status < 300 && !pulls {
            return Ok(None);
        }
        let _turn = self.turn(image).await;
        let Some(tag_back) = image.tag_as_amazon() else {
            let message = format!(
                "wfrun: a build cannot begin with {}, as the engine knows that digest by another name; name a tag",
                image.as_amazon()
            );
            return Ok(Some((404, message)));
        };
        let mut asked = Head::of("POST", &image.pull());
        if let Some(auth) = login(head, &image.names.amazon, &image.names.here) {
            asked = asked.with("X-Registry-Auth", &auth);
        }
        let (status, said) = ask_with(&self.engine, &asked).await?;
        let is_tagged = status < 300 && ask(&self.engine, "POST", &tag_back).await?.0 < 300;
        if is_tagged {
            ask(&self.engine, "DELETE", &image.forget_here()).await?;
            return Ok(None);
        }
        let error = said.lines().rev().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            Some(line["error"].as_str()?.to_owned())
        });
        let said = error.unwrap_or(said).replace(&image.names.here, &image.names.amazon);
        Ok(Some((if status < 300 { 404 } else { status }, said)))
    }
}

/// The login that a build brings for a registry, for the registry here.
fn login(head: &Head, amazon: &str, here: &str) -> Option<String> {
    let logins = head.credentials("X-Registry-Config")?;
    let of_registry =
        |(server, _): &(&String, &Value)| server.trim_start_matches("https://").split('/').next() == Some(amazon);
    let mut login = logins.as_object()?.iter().find(of_registry)?.1.clone();
    login.as_object_mut()?.insert("serveraddress".to_owned(), Value::String(here.to_owned()));
    Some(head::encoded(&login))
}

/// The body of a request, whole: in a file in `folder` that has no name.
async fn receive(client: &mut UnixStream, head: &Head, rest: Vec<u8>, folder: &Path) -> io::Result<File> {
    let context = tempfile::tempfile_in(folder)?;
    let mut file = tokio::fs::File::from_std(context.try_clone()?);
    let is_chunked = head.header("Transfer-Encoding").is_some_and(|it| it.eq_ignore_ascii_case("chunked"));
    let mut body = BufReader::new(tokio::io::AsyncReadExt::chain(rest.as_slice(), client));
    if is_chunked {
        loop {
            let size = line(&mut body).await?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            if size == 0 {
                break;
            }
            copy_exactly(&mut body, &mut file, size).await?;
            line(&mut body).await?;
        }
        while !line(&mut body).await?.is_empty() {}
    } else {
        let length = head.header("Content-Length").unwrap_or("0").parse();
        copy_exactly(&mut body, &mut file, length.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?).await?;
    }
    file.flush().await?;
    Ok(context)
}

async fn line(body: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> io::Result<String> {
    const LIMIT: u64 = 8 * 1024;
    let mut line = String::new();
    if body.take(LIMIT).read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

async fn copy_exactly(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    to: &mut tokio::fs::File,
    length: u64,
) -> io::Result<()> {
    let copied = tokio::io::copy(&mut from.take(length), to).await?;
    if copied == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// The Dockerfile of a context; empty where it cannot be found, which the engine will say.
fn read_dockerfile(mut context: File, name: &str) -> String {
    let plain = |path: &Path| path.strip_prefix("./").unwrap_or(path).to_owned();
    let mut read = || -> io::Result<Option<String>> {
        context.rewind()?;
        let mut start = [0; 2];
        let is_packed = context.read_exact(&mut start).is_ok() && start == [0x1f, 0x8b];
        context.rewind()?;
        let bytes: Box<dyn io::Read> =
            if is_packed { Box::new(flate2::read::GzDecoder::new(&mut context)) } else { Box::new(&mut context) };
        for entry in tar::Archive::new(bytes).entries()? {
            let entry = entry?;
            if plain(&entry.path()?) == plain(Path::new(name)) {
                let mut text = String::new();
                entry.take(DOCKERFILE_LIMIT).read_to_string(&mut text)?;
                return Ok(Some(text));
            }
        }
        Ok(None)
    };
    match read() {
        Ok(text) => text.unwrap_or_default(),
        Err(err) => {
            tracing::debug!(%err, "the build context is no plain archive");
            String::new()
        }
    }
}

/// Sends the request with its body, and what the engine says to the client.
async fn forward(mut client: UnixStream, engine: &Path, head: &Head, mut context: File) -> io::Result<()> {
    let mut engine = match UnixStream::connect(engine).await {
        Ok(engine) => engine,
        Err(err) => return no_engine(&mut client, &err).await,
    };
    let length = context.metadata()?.len();
    let head =
        head.without("Transfer-Encoding").with("Connection", "close").with("Content-Length", &length.to_string());
    engine.write_all(&head.bytes("HTTP/1.1")).await?;
    context.rewind()?;
    if let Err(err) = tokio::io::copy(&mut tokio::fs::File::from_std(context), &mut engine).await {
        // What it says may still tell why it does not read on.
        tracing::debug!(%err, "the engine did not take the build context");
    }
    splice(client, engine).await
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE;

    use super::*;

    /// Source: Docker Engine API 1.41, `ImageBuild`.
    #[test]
    fn builds_of_a_context_in_the_body() {
        for (method, target, is_one) in [
            ("POST", "/build", true),
            ("POST", "/v1.41/build?t=1.dkr.ecr.r.amazonaws.com%2Fa&version=1&remote=", true),
            ("POST", "/v1.41/build?t=1.dkr.ecr.r.amazonaws.com%2Fa&version=2&remote=client-session", false),
            ("POST", "/v1.41/build?version=2", false),
            ("POST", "/v1.41/build?remote=https%3A%2F%2Fgithub.com%2Fo%2Fr.git", false),
            ("POST", "/v1.41/build/prune", false),
            ("GET", "/v1.41/build", false),
        ] {
            assert_eq!(is_asked(&Head::of(method, target)), is_one, "{method} {target}");
        }
    }

    #[test]
    fn the_dockerfile_of_a_context() {
        let mut archive = tar::Builder::new(tempfile::tempfile().expect("a file"));
        for (path, text) in [("a.txt", "no"), ("./Dockerfile", "FROM a"), ("sub/b.dockerfile", "FROM b")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            archive.append_data(&mut header, path, text.as_bytes()).expect("a file");
        }
        let mut file = archive.into_inner().expect("a file");
        let packed = tempfile::tempfile().expect("a file");
        file.rewind().expect("a file");
        let mut encoder = flate2::write::GzEncoder::new(&packed, flate2::Compression::fast());
        io::copy(&mut file, &mut encoder).and_then(|_| encoder.finish()).expect("a file");
        for (name, text) in [("Dockerfile", "FROM a"), ("./sub/b.dockerfile", "FROM b"), ("nowhere", "")] {
            for file in [&file, &packed] {
                assert_eq!(read_dockerfile(file.try_clone().expect("a file"), name), text, "{name}");
            }
        }
        let other = tempfile::tempfile().expect("a file");
        io::Write::write_all(&mut &other, &[0x1f, 0x8b, 0, 1, 2]).expect("a file");
        assert_eq!(read_dockerfile(other, "Dockerfile"), "");
    }

    #[test]
    fn the_login_of_a_build() {
        let logins = r#"{"ghcr.io":{"username":"x"},"1.dkr.ecr.r.amazonaws.com":{"username":"AWS","password":"p"}}"#;
        let head = Head::of("POST", "/build").with("X-Registry-Config", &URL_SAFE.encode(logins));
        let found = login(&head, "1.dkr.ecr.r.amazonaws.com", "127.0.0.1:5").expect("a login");
        let found: Value = serde_json::from_slice(&URL_SAFE.decode(found).expect("base64")).expect("JSON");
        assert_eq!(found, serde_json::json!({"username": "AWS", "password": "p", "serveraddress": "127.0.0.1:5"}));
        assert_eq!(login(&head, "2.dkr.ecr.r.amazonaws.com", "127.0.0.1:5"), None);
    }
}
