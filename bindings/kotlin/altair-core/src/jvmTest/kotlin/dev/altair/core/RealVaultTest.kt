package dev.altair.core

import dev.altair.model.Progress
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

/** Notes that nobody here wrote: `ALTAIR_DATA` names a folder with an Obsidian vault in `vault-en`. */
class RealVaultTest {
    private val vault: Path? = System.getenv("ALTAIR_DATA")?.let { Path.of(it, "vault-en") }

    private fun withVault(test: suspend (Altair, Path) -> Unit) {
        val vault = vault ?: return println("left out: ALTAIR_DATA names no folder with a vault")
        assertTrue(vault.exists(), "ALTAIR_DATA names a folder without vault-en")
        withStore { altair -> test(altair, vault) }
    }

    @Test
    fun `a real vault comes out byte by byte as it went in`() = withVault { altair, vault ->
        val before = vault.tree()
        val told = mutableListOf<Progress>()
        val imported = altair.vault.import(vault.toString()) { told += it }
        assertEquals(before.size.toLong(), imported.notes + imported.attachments + imported.skipped.size)
        assertEquals(emptyList(), imported.skipped)
        assertEquals(before.keys.count { it.endsWith(".md") }.toLong(), imported.notes)
        assertTrue(imported.links > 1000, "$imported")
        assertEquals(told.last().total, told.last().done)
        val out = altair.folder().resolve("out")
        altair.vault.export(out.toString())
        val after = out.tree()
        assertEquals(before.keys, after.keys)
        for ((path, bytes) in before) assertEquals(bytes, after[path], path)
        assertEquals(before.keys, vault.tree().keys, "the vault itself is as it was")
        altair.assertSound()
    }

    @Test
    fun `in a real vault one searches, follows a backlink, edits and undoes`() = withVault { altair, vault ->
        altair.vault.import(vault.toString())
        val hit = altair.search.find("\"end-to-end encryption\"", limit = 5).items.first()
        assertTrue(hit.snippet.highlights.isNotEmpty())
        val marked = hit.snippet.highlights.map { hit.snippet.text.substring(it).lowercase() }
        assertTrue(marked.any { "encryption" in it }, "$marked")

        val found = altair.search.find("end-to-end encryption").items.map { altair.entities.details(it.id) }
        val linked = assertNotNull(found.firstOrNull { it.backlinks.isNotEmpty() }, "one of them is linked to")
        val back = altair.entities.details(assertNotNull(linked.backlinks.first().id))
        assertTrue(back.links.any { it.id == linked.entity.id }, "a backlink is a link read from its other end")

        val note = altair.notes.get(hit.id)
        assertTrue(altair.notes.edit(note.id) { append("A line of one's own.") }.body.endsWith("A line of one's own."))
        assertEquals(listOf(note.id to "body"), altair.history.undo().map { it.entity to it.field })
        assertEquals(note.body, altair.notes.get(note.id).body)
        assertEquals(note.properties, altair.notes.get(note.id).properties)
        assertTrue(note.properties.isNotEmpty())
    }
}
