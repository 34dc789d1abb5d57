//! The administration socket's end in a command: it asks the server that runs, and where none does, opens the data folder itself.

use std::io::ErrorKind as Io;

use altair_core::{Error, ErrorKind, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::{Answer, Ask, MAX_LINE, Reply};
use crate::server::{Opening, Server};
use crate::store::admin_socket;

/// Has something done on the server of a data folder, whether it runs or not. Only [`Ask::Init`] makes a folder where there is none.
pub async fn ask(opening: Opening, ask: Ask) -> Result<Answer> {
    let path = admin_socket(&opening.data);
    match UnixStream::connect(&path).await {
        Ok(stream) => return over(stream, &ask).await,
        // Nobody listens: nothing runs, or it has been killed.
        Err(error) if matches!(error.kind(), Io::NotFound | Io::ConnectionRefused) => {}
        Err(error) => return Err(Error::io("asking the server through", &path, error)),
    }
    if !matches!(ask, Ask::Init { .. }) && !opening.data.join("db").is_dir() {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("there is no server's data in {}", opening.data.display()),
            "name the folder with --data, or make one: `altair-server init --data DIR`",
        ));
    }
    let server = Server::open(opening).await?;
    let answer = server.act(ask).await;
    server.close().await?;
    answer
}

async fn over(stream: UnixStream, ask: &Ask) -> Result<Answer> {
    let broken = |error: std::io::Error| {
        Error::new(ErrorKind::Internal, "the server hung up before it had answered", "look at its log, then try again")
            .because(error)
    };
    let (read, mut write) = stream.into_split();
    let mut line =
        serde_json::to_vec(ask).map_err(|error| crate::store::internal("it can't be asked").because(error))?;
    line.push(b'\n');
    write.write_all(&line).await.map_err(broken)?;
    let mut reply = String::new();
    BufReader::new(read.take(MAX_LINE)).read_line(&mut reply).await.map_err(broken)?;
    match serde_json::from_str(&reply) {
        Ok(Reply::Answer(answer)) => Ok(*answer),
        Ok(Reply::Error { kind, message, hint }) => Err(Error::new(kind, message, hint)),
        Err(error) => Err(broken(error.into())),
    }
}
