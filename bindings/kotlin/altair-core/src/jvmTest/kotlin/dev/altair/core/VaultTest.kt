package dev.altair.core

import dev.altair.model.AltairException
import dev.altair.model.Progress
import kotlinx.serialization.json.JsonPrimitive
import kotlin.io.path.createDirectory
import kotlin.io.path.readText
import kotlin.io.path.writeBytes
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class VaultTest {
    private val small = arrayOf(
        "Home.md" to "---\ntags: [start]\naliases: [Beginning]\nrating: 5\n---\nSee [[Garden]] and ![[plan.txt]].\n",
        "Outside/Garden.md" to "Dig over. #outdoor\r\n",
        "日記/今日 🦊.md" to "元気です。",
        "Empty.md" to "",
        "plan.txt" to "a plan",
    )

    @Test
    fun `a vault comes out as it went in`() = withStore { altair ->
        val vault = altair.folder().resolve("vault").createDirectory().write(*small)
        val progress = mutableListOf<Progress>()
        val imported = altair.vault.import(vault.toString()) { progress += it }
        assertEquals(listOf<Long>(4, 1, 2, 0), listOf(imported.notes, imported.attachments, imported.links, imported.unchanged))
        assertEquals(emptyList(), imported.skipped)
        assertTrue(progress.zipWithNext().all { (one, next) -> one.done <= next.done })
        assertEquals(Progress(5, 5), progress.last())

        val home = altair.notes.list().items.single { it.path == "Home.md" }
        assertEquals(listOf("Beginning"), home.aliases)
        assertEquals(listOf("start"), home.tags)
        assertEquals(JsonPrimitive(5), home.properties["rating"])
        val out = altair.folder().resolve("out")
        progress.clear()
        val exported = altair.vault.export(out.toString()) { progress += it }
        assertEquals(listOf<Long>(4, 1, 0), listOf(exported.notes, exported.attachments, exported.unchanged))
        assertEquals(emptyList(), exported.skipped)
        assertEquals(vault.tree(), out.tree())
        assertEquals(Progress(5, 5), progress.last())
    }

    @Test
    fun `importing and exporting again changes nothing`() = withStore { altair ->
        val vault = altair.folder().resolve("vault").createDirectory().write(*small)
        altair.vault.import(vault.toString())
        val again = altair.vault.import(vault.toString())
        assertEquals(listOf<Long>(0, 0, 5), listOf(again.notes, again.attachments, again.unchanged))
        val exported = altair.vault.export(vault.toString())
        assertEquals(listOf<Long>(0, 0, 5), listOf(exported.notes, exported.attachments, exported.unchanged))
    }

    @Test
    fun `what was edited outside is merged with what was edited here`() = withStore { altair ->
        val vault = altair.folder().resolve("vault").createDirectory().write("List.md" to "milk\nbread\n")
        altair.vault.import(vault.toString())
        val list = altair.notes.list().items.single()
        altair.notes.edit(list.id) { append("figs") }
        vault.write("List.md" to "oat milk\nbread\n")
        assertEquals(1, altair.vault.import(vault.toString()).notes)
        assertEquals("oat milk\nbread\nfigs", altair.notes.get(list.id).body)
    }

    @Test
    fun `a file that was changed outside is written over only by force`() = withStore { altair ->
        val vault = altair.folder().resolve("vault").createDirectory().write("List.md" to "milk")
        altair.vault.import(vault.toString())
        val list = altair.notes.list().items.single()
        altair.notes.edit(list.id) { body = "bread" }
        vault.write("List.md" to "eggs")
        val skipped = altair.vault.export(vault.toString()).skipped.single()
        assertEquals("List.md" to "changed_outside", skipped.path to skipped.reason)
        assertEquals("eggs", vault.resolve("List.md").readText())
        assertEquals(1, altair.vault.export(vault.toString(), force = true).notes)
        assertEquals("bread", vault.resolve("List.md").readText())
    }

    @Test
    fun `what cannot be read is left out and named`() = withStore { altair ->
        val vault = altair.folder().resolve("vault").createDirectory().write("Good.md" to "fine", "Nul.md" to "a\u0000b")
        vault.resolve("Latin.md").writeBytes(byteArrayOf('c'.code.toByte(), 0xe9.toByte()))
        val imported = altair.vault.import(vault.toString())
        assertEquals(1, imported.notes)
        assertEquals(listOf("Latin.md" to "not_utf8", "Nul.md" to "not_text"), imported.skipped.map { it.path to it.reason })
    }

    @Test
    fun `a vault is a folder apart from the store`() = withStore { altair ->
        val folder = altair.folder()
        fails<AltairException.NotFound> { altair.vault.import(folder.resolve("missing").toString()) }
        fails<AltairException.Invalid> { altair.vault.import(folder.write("file" to "").resolve("file").toString()) }
        val store = altair.status().store
        fails<AltairException.Invalid> { altair.vault.import(store) }
        fails<AltairException.Invalid> { altair.vault.export(store) }
        for (wrong in listOf("", "nul\u0000")) {
            fails<AltairException.Invalid> { altair.vault.import(wrong) }
            fails<AltairException.Invalid> { altair.vault.export(wrong) }
        }
        val under = folder.resolve("file/vault").toString()
        fails<AltairException> { altair.vault.export(under) }
        altair.assertSound()
    }

    @Test
    fun `a folder without files is an empty vault`() = withStore { altair ->
        val empty = altair.folder().resolve("empty").createDirectory()
        assertEquals(0, altair.vault.import(empty.toString()).notes)
        assertEquals(0, altair.vault.export(empty.toString()).notes)
    }
}
