package dev.altair.core

import dev.altair.model.AltairException
import dev.altair.model.Attachment
import dev.altair.model.Kind
import java.nio.file.Path
import kotlin.io.path.createDirectory
import kotlin.io.path.deleteExisting
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertTrue

class AttachmentsTest {
    @Test
    fun `a file is copied in with its name and its bytes`() = withStore { altair ->
        val note = altair.notes.create("Fence")
        val file = altair.folder().resolve("plan é 🦊.png")
        val bytes = ByteArray(100_000) { it.toByte() }
        file.writeBytes(bytes)
        val attached = altair.attachments.attach(note.id, file.toString())
        file.deleteExisting()
        assertEquals(Triple("plan é 🦊.png", "image/png", 100_000L), Triple(attached.name, attached.mediaType, attached.size))
        assertEquals(64, attached.hash?.length)
        assertEquals(listOf(attached), altair.entities.details(note.id).attachments)

        val open = altair.attachments.open(attached.id)
        assertContentEquals(bytes, Path.of(open.path).readBytes())
        assertEquals(note.id, open.attachment.owner)
        assertEquals(attached.hash, open.attachment.hash)
        val itself = assertIs<Attachment>(altair.entities.list(Kind.Attachment).items.single())
        assertEquals(open.attachment, itself)
        assertEquals(Kind.Attachment, itself.kind)
        assertTrue(altair.status().sizes.blobs >= bytes.size)
        altair.assertSound()
    }

    @Test
    fun `an empty file is a file`() = withStore { altair ->
        val note = altair.notes.create("Fence")
        val file = altair.folder().resolve("empty")
        file.writeBytes(ByteArray(0))
        val attached = altair.attachments.attach(note.id, file.toString())
        assertEquals(0, Path.of(altair.attachments.open(attached.id).path).readBytes().size)
    }

    @Test
    fun `what is detached goes to the trash and comes back`() = withStore { altair ->
        val note = altair.notes.create("Fence")
        val other = altair.notes.create("Other")
        val file = altair.folder().resolve("a.txt")
        file.writeBytes("text".encodeToByteArray())
        val attached = altair.attachments.attach(note.id, file.toString())
        fails<AltairException.NotFound> { altair.attachments.detach(other.id, attached.id) }
        assertEquals(attached, altair.attachments.detach(note.id, attached.id))
        assertEquals(emptyList(), altair.entities.details(note.id).attachments)
        assertEquals(listOf(attached.id), altair.trash.list().items.map { it.id })
        fails<AltairException.NotFound> { altair.attachments.detach(note.id, attached.id) }
        altair.trash.restore(attached.id)
        assertEquals(listOf(attached), altair.entities.details(note.id).attachments)
    }

    @Test
    fun `what is no file is refused`() = withStore { altair ->
        val note = altair.notes.create("Fence")
        val folder = altair.folder()
        fails<AltairException.NotFound> { altair.attachments.attach(note.id, folder.resolve("missing").toString()) }
        fails<AltairException.Invalid> { altair.attachments.attach(note.id, folder.resolve("folder").createDirectory().toString()) }
        for (wrong in listOf("", "nul\u0000")) {
            fails<AltairException.Invalid> { altair.attachments.attach(note.id, wrong) }
        }
        val file = folder.resolve("a.txt")
        file.writeBytes("text".encodeToByteArray())
        val attached = altair.attachments.attach(note.id, file.toString())
        fails<AltairException.Invalid> { altair.attachments.attach(attached.id, file.toString()) }
        fails<AltairException.Invalid> { altair.attachments.open(note.id) }
        altair.entities.delete(note.id)
        fails<AltairException.Refused> { altair.attachments.attach(note.id, file.toString()) }
    }
}
