//! The administration socket's end in the server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use altair_core::{Error, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{Ask, MAX_LINE, Reply};
use crate::server::Server;
use crate::stop::Stop;
use crate::store::admin_socket;

/// How many may ask at the same time.
const CONNECTIONS: usize = 8;

/// Listens on the socket until it is to stop. Its file goes with it.
pub(crate) fn listen(server: Arc<Server>, mut stop: Stop) -> Result<JoinHandle<()>> {
    let path = admin_socket(server.data());
    let failed = |error| Error::io("listening on", &path, error);
    // Whoever had it is gone: the data folder's lock is ours.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(tokio::spawn(async move {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await;
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.said() => break,
            };
            let Ok((stream, _)) = accepted else { continue };
            let (server, mut stop) = (Arc::clone(&server), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = serve(&server, stream) => {}
                    // What has been begun is begun again by whoever asked.
                    () = stop.said() => {}
                }
                drop(place);
            });
        }
        let _ = fs::remove_file(&path);
    }))
}

async fn serve(server: &Server, stream: UnixStream) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read);
    loop {
        let mut line = String::new();
        match (&mut lines).take(MAX_LINE).read_line(&mut line).await {
            Ok(n) if n > 0 => {}
            _ => return,
        }
        let reply = match serde_json::from_str::<Ask>(&line) {
            Ok(ask) => {
                tracing::info!(?ask, "asked to administer");
                match server.act(ask).await {
                    Ok(answer) => Reply::Answer(Box::new(answer)),
                    Err(error) => error.into(),
                }
            }
            Err(error) => {
                let message = format!("the line can't be read: {error}");
                Error::invalid(message, "use an altair-server of the same version as the one that runs").into()
            }
        };
        let Ok(mut line) = serde_json::to_vec(&reply) else { return };
        line.push(b'\n');
        if write.write_all(&line).await.is_err() {
            return;
        }
    }
}
