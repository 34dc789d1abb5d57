//! `PUT`, `GET` and `HEAD /v1/blobs/{hash}`: attachments' bytes, by the hash that names them, resumable both ways.

use altair_protocol::Hash;
use altair_protocol::sync::{HttpCode, MAX_BLOB};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::failure::UPLOAD_OFFSET;
use super::{Failure, Site, next_piece};
use crate::store::{BlobError, internal};

const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// How many bytes of a blob are read at once.
const CHUNK: usize = 64 << 10;

/// Takes a blob, or the rest of one.
pub(super) async fn put(
    State(site): State<Site>,
    Path(hash): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let (account, household) = site.account(&headers).await?;
    let hash = parsed(&hash)?;
    let offset = number(&headers, &UPLOAD_OFFSET)?.unwrap_or(0);
    let length = match number(&headers, &UPLOAD_LENGTH)? {
        Some(length) => Some(length),
        None if headers.contains_key(UPLOAD_OFFSET) => {
            return Err(Failure::malformed("an upload with an Upload-Offset needs an Upload-Length"));
        }
        None => number(&headers, &header::CONTENT_LENGTH)?,
    };
    if length.is_some_and(|length| length > MAX_BLOB) {
        return Err(BlobError::TooLarge.into());
    }
    let blobs = site.server.store.blobs();
    if blobs.size(household.id(), hash).await.map_err(BlobError::from)?.is_some() {
        return Ok(StatusCode::OK.into_response());
    }
    let mut upload = blobs.upload(household.id(), hash, offset).await?;
    let (mut pieces, mut size) = (body.into_data_stream(), offset);
    let cut_off = loop {
        let piece = match next_piece(&mut pieces).await {
            Ok(Some(piece)) => piece,
            Ok(None) => break None,
            Err(failure) => break Some(failure),
        };
        size += piece.len() as u64;
        if length.is_some_and(|length| size > length) {
            upload.pause().await?;
            return Err(Failure::malformed("more came than Upload-Length said"));
        }
        upload.write(&piece).await?;
        site.server.metrics.blob_bytes.add(piece.len() as u64);
    };
    if let Some(failure) = cut_off {
        // What came is kept.
        upload.pause().await?;
        return Err(failure);
    }
    if length.is_some_and(|length| size < length) {
        let have = upload.pause().await?;
        return Ok((StatusCode::ACCEPTED, [(UPLOAD_OFFSET, HeaderValue::from(have))]).into_response());
    }
    let bytes = upload.finish().await?;
    tracing::info!(household = %household.id(), device = %account.device, %hash, bytes, "a blob came");
    Ok(StatusCode::CREATED.into_response())
}

/// Gives a blob, or says where the server stands with it.
pub(super) async fn get(
    State(site): State<Site>,
    method: Method,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (_, household) = site.account(&headers).await?;
    let hash = parsed(&hash)?;
    let blobs = site.server.store.blobs();
    let Some(size) = blobs.size(household.id(), hash).await.map_err(BlobError::from)? else {
        let have = blobs.received(household.id(), hash).await.map_err(BlobError::from)?;
        let missing = Failure::new(HttpCode::NotFound, format!("there is no blob {hash}"), "upload it first");
        return Err(missing.at_offset(have));
    };
    if method == Method::HEAD {
        return Ok((StatusCode::OK, [(header::CONTENT_LENGTH, HeaderValue::from(size))]).into_response());
    }
    let from = range_start(&headers, size)?;
    let failed = |error: std::io::Error| Failure::from(internal("a blob can't be read").because(error));
    let mut file = tokio::fs::File::open(blobs.path(household.id(), hash)).await.map_err(failed)?;
    file.seek(std::io::SeekFrom::Start(from.unwrap_or(0))).await.map_err(failed)?;
    let pieces = stream::try_unfold(file, |mut file| async {
        let mut piece = Vec::with_capacity(CHUNK);
        let n = (&mut file).take(CHUNK as u64).read_to_end(&mut piece).await?;
        Ok::<_, std::io::Error>((n > 0).then_some((piece, file)))
    });
    let status = if from.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let from = from.unwrap_or(0);
    let mut response = (status, Body::from_stream(pieces)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, (size - from).into());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = HeaderValue::try_from(format!("bytes {from}-{}/{size}", size - 1))
    {
        headers.insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

fn parsed(hash: &str) -> Result<Hash, Failure> {
    hash.parse::<Hash>().map_err(|error| Failure::malformed(error.to_string()))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Failure> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|value| value.parse().ok());
    number.map(Some).ok_or_else(|| Failure::malformed(format!("{name} is no number of bytes")))
}

/// Where a download begins; `None`: all of it is asked for. Only `bytes=N-` is known, and any other range is answered with everything, as HTTP allows.
fn range_start(headers: &HeaderMap, size: u64) -> Result<Option<u64>, Failure> {
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let start = asked.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<u64>().ok());
    match start {
        Some(start) if start >= size => {
            Err(Failure::new(HttpCode::Offset, format!("the blob has {size} bytes"), "ask for less").at_offset(size))
        }
        start => Ok(start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_goes_on_where_it_is_asked_to() {
        let start = |range: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::try_from(range).unwrap());
            range_start(&headers, 10)
        };
        assert_eq!(start("bytes=4-").unwrap(), Some(4));
        for all in ["bytes=-4", "bytes=1-2", "bytes=x-", "lines=4-"] {
            assert_eq!(start(all).unwrap(), None, "{all}");
        }
        assert!(start("bytes=10-").is_err());
    }
}
