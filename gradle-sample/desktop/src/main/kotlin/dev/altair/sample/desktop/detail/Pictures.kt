package dev.altair.sample.desktop.detail

import androidx.compose.ui.graphics.ImageBitmap
import androidx.compose.ui.graphics.toComposeImageBitmap
import dev.altair.model.Details
import dev.altair.model.Kind
import dev.altair.sample.AttachedFile
import dev.altair.sample.Workspace
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.jetbrains.skia.Image
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path

/** The picture that an embed in an entity's text names; null when it is no picture, or isn't here. */
suspend fun Workspace.picture(details: Details, target: String): ImageBitmap? {
    val name = target.substringBefore('#').substringAfterLast('/')
    val attachment = details.links.firstOrNull {
        it.kind == Kind.Attachment &&
            it.title.substringAfterLast('/').equals(name, ignoreCase = true)
    }
    val file = attachment?.id?.let { fileOf(it) } ?: return null
    return withContext(Dispatchers.IO) { decode(file) }
}

private fun decode(file: AttachedFile): ImageBitmap? = try {
    if (file.attachment.size > LARGEST) null else Image.makeFromEncoded(Files.readAllBytes(Path.of(file.path))).toComposeImageBitmap()
} catch (_: IOException) {
    null
} catch (_: IllegalArgumentException) {
    null
}

private const val LARGEST = 20_000_000
