package dev.altair.core

import dev.altair.model.AltairException
import java.nio.file.Path
import kotlin.io.path.createDirectory
import kotlin.io.path.exists
import kotlin.io.path.fileSize
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals

class BackupsTest {
    @Test
    fun `a backup restores everything as a new device`() = withStore { altair ->
        val folder = altair.folder()
        val fence = altair.notes.create("Fence", "see [[Gate]] #paint")
        altair.notes.create("Gate")
        val trashed = altair.notes.create("Old")
        altair.entities.delete(trashed.id)
        val picture = folder.resolve("a.bin")
        picture.writeBytes(ByteArray(1 shl 20) { 7 })
        val attached = altair.attachments.attach(fence.id, picture.toString())

        val file = folder.resolve("backup.ndjson")
        val written = altair.backups.write(file.toString())
        assertEquals(4, written.entities)
        assertEquals(file.fileSize(), written.bytes)
        assertEquals(written, Altair.checkBackup(file.toString()))
        val target = folder.resolve("restored").toString()
        assertEquals(written, Altair.restoreBackup(file.toString(), target))

        Altair.open(target).use { restored ->
            assertEquals(altair.entities.details(fence.id), restored.entities.details(fence.id))
            assertEquals(listOf(trashed.id), restored.trash.list().items.map { it.id })
            assertEquals(1 shl 20, Path.of(restored.attachments.open(attached.id).path).readBytes().size)
            assertEquals(listOf(fence.id), restored.search.find("tag:paint").items.map { it.id })
            assertNotEquals(altair.status().device, restored.status().device)
            restored.assertSound()
        }
        fails<AltairException.Refused> { Altair.restoreBackup(file.toString(), target) }
    }

    @Test
    fun `an empty store is filled from a backup, another is not`() = withFolder { folder ->
        val file = folder.resolve("backup.ndjson").toString()
        val note = open(folder).use { altair ->
            altair.notes.create("Fence").also { altair.backups.write(file) }
        }
        Altair.open(folder.resolve("other").toString()).use { other ->
            assertEquals(1, other.backups.fill(file).entities)
            assertEquals("Fence", other.notes.get(note.id).title)
            fails<AltairException.Refused> { other.backups.fill(file) }
        }
    }

    @Test
    fun `a damaged backup is refused before anything is made`() = withStore { altair ->
        val folder = altair.folder()
        repeat(5) { altair.notes.create("note $it", "text") }
        val file = folder.resolve("backup.ndjson")
        altair.backups.write(file.toString())
        val whole = file.readBytes()
        val flipped = whole.clone()
        flipped[whole.size / 2] = (whole[whole.size / 2] + 1).toByte()
        for (damaged in listOf(ByteArray(0), whole.copyOf(whole.size / 2), "not json\n".encodeToByteArray(), flipped)) {
            file.writeBytes(damaged)
            fails<AltairException.Invalid> { Altair.checkBackup(file.toString()) }
            val target = folder.resolve("restored")
            fails<AltairException.Invalid> { Altair.restoreBackup(file.toString(), target.toString()) }
            assertFalse(target.exists())
        }
    }

    @Test
    fun `a backup needs a file that can be written and read`() = withStore { altair ->
        val folder = altair.folder()
        fails<AltairException.Invalid> { altair.backups.write(folder.resolve("folder").createDirectory().toString()) }
        fails<AltairException.NotFound> { altair.backups.write(folder.resolve("missing/backup.ndjson").toString()) }
        fails<AltairException.Invalid> { altair.backups.write("") }
        fails<AltairException.NotFound> { Altair.checkBackup(folder.resolve("missing").toString()) }
        fails<AltairException.NotFound> { altair.backups.fill(folder.resolve("missing").toString()) }
        fails<AltairException.Invalid> { Altair.checkBackup("nul\u0000") }
        fails<AltairException.Invalid> { Altair.restoreBackup(folder.resolve("missing").toString(), "") }
        altair.assertSound()
    }
}
