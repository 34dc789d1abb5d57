package dev.altair.core

import dev.altair.model.AltairException
import java.nio.file.Path
import kotlin.io.path.createDirectory
import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals

class UnicodeTest {
    private val texts = listOf(
        "🦊 👩‍👩‍👧‍👦 🏳️‍🌈 🇦🇶",
        "שלום, עולם! مرحبا بالعالم",
        "\u202eright to left override\u202c",
        "e\u0301 is not é",
        "ﬁ ﷺ ‱ \ufeff bom in the middle",
        "日本語 한국어 中文 ไทย हिन्दी",
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \ud83f\udfff \udbff\udffd",
        "private \ue000, not a character \ufffe \uffff, replaced \ufffd",
        "quotes \" ' ` « » \\ \\u0000 %s \${x} {{x}} <b> -- ;",
        "tab\tcarriage\r\nreturn\rline\u2028paragraph\u2029next\u0085vertical\u000bform\u000cbell\u0007delete\u007f",
    )

    @Test
    fun `every text comes back as it was given`() = withFolder { folder ->
        val captures = open(folder).use { altair -> texts.map { altair.inbox.capture(it).id } }
        open(folder).use { altair ->
            for ((text, id) in texts.zip(captures)) assertEquals(text, altair.inbox.get(id).text)
            for (text in texts) {
                val note = altair.notes.create("n", text)
                assertEquals(text, note.body)
                assertEquals(text + text, altair.notes.edit(note.id) { body = text + text }.body)
                assertEquals(text + text, altair.notes.get(note.id).body)
            }
            for (text in texts.dropLast(1)) assertEquals(text, altair.quests.create(text).title)
            altair.assertSound()
        }
    }

    @Test
    fun `a megabyte comes back as it was given`() = withFolder { folder ->
        val random = Random(4)
        val plain = CharArray(1 shl 20) { 'a' + random.nextInt(26) }.concatToString()
        val mixed = buildString { while (length < 1 shl 20) append(texts[random.nextInt(texts.size)]).append('\n') }
        val zeros = "0".repeat(1 shl 20)
        val ids = open(folder).use { altair ->
            listOf(plain, mixed, zeros).map { altair.notes.create("long", it).also { note -> assertEquals(it, note.body) }.id } to
                altair.inbox.capture(mixed).id
        }
        open(folder).use { altair ->
            assertEquals(listOf(plain, mixed, zeros), ids.first.map { altair.notes.get(it).body })
            assertEquals(mixed, altair.inbox.get(ids.second).text)
            val longer = altair.notes.edit(ids.first[0]) { append(mixed) }
            assertEquals(plain + "\n" + mixed, longer.body)
        }
    }

    @Test
    fun `a text that is too long is refused`() = withStore { altair ->
        val tooLong = "x".repeat((8 shl 20) + 1)
        fails<AltairException.Invalid> { altair.inbox.capture(tooLong) }
        fails<AltairException.Invalid> { altair.notes.create("n", tooLong) }
        val most = altair.notes.create("n", tooLong.drop(1))
        assertEquals(8 shl 20, most.body.length)
        fails<AltairException.Invalid> { altair.notes.edit(most.id) { append("x") } }
    }

    @Test
    fun `a NUL is refused, and nothing is written`() = withStore { altair ->
        val note = altair.notes.create("Figs", "sun")
        for (nul in listOf("\u0000", "a\u0000b", "a\u0000")) {
            fails<AltairException.Invalid> { altair.inbox.capture(nul) }
            fails<AltairException.Invalid> { altair.notes.create(nul) }
            fails<AltairException.Invalid> { altair.notes.create("n", nul) }
            fails<AltairException.Invalid> { altair.notes.edit(note.id) { append(nul) } }
            fails<AltairException.Invalid> { altair.items.create("n") { unit = nul } }
            fails<AltairException.Invalid> { altair.entities.link(note.id, altair.locations.create("Pantry").id, nul) }
            fails<AltairException.Invalid> { Altair.open(nul) }
        }
        assertEquals(listOf(note), altair.notes.list().items)
        assertEquals(emptyList(), altair.thoughts())
    }

    @Test
    fun `half a surrogate pair is refused, and nothing is written`() = withStore { altair ->
        val note = altair.notes.create("Figs", "sun")
        for (half in listOf("\ud83e", "\udd8a", "fox \ud83e", "\udd8a\ud83e", "a\ud83eb")) {
            fails<AltairException.Invalid> { altair.inbox.capture(half) }
            fails<AltairException.Invalid> { altair.inbox.edit(note.id, half) }
            fails<AltairException.Invalid> { altair.notes.create(half) }
            fails<AltairException.Invalid> { altair.notes.create("n", half) }
            fails<AltairException.Invalid> { altair.notes.edit(note.id) { append(half) } }
            fails<AltairException.Invalid> { altair.items.create("n") { unit = half } }
            fails<AltairException.Invalid> { altair.entities.tag(note.id, listOf(half)) }
            fails<AltairException.Invalid> { altair.entities.find(half) }
            fails<AltairException.Invalid> { altair.entities.link(note.id, note.id, half) }
            fails<AltairException.Invalid> { altair.search.find(half) }
            fails<AltairException.Invalid> { altair.notes.list(tag = half) }
            fails<AltairException.Invalid> { altair.vault.import(half) }
            fails<AltairException.Invalid> { altair.vault.export(half) }
            fails<AltairException.Invalid> { altair.backups.write(half) }
            fails<AltairException.Invalid> { altair.attachments.attach(note.id, half) }
            fails<AltairException.Invalid> { Altair.open(half) }
            fails<AltairException.Invalid> { Altair.checkBackup(half) }
        }
        assertEquals(listOf(note), altair.notes.list().items)
        assertEquals(emptyList(), altair.thoughts())
        altair.assertSound()
    }

    @Test
    fun `a store may lie in a folder of nearly any name`() = withFolder { folder ->
        val named = folder.resolve("日記 🦊 'quoted' \"twice\" %20 #1 &=+;").createDirectory()
        open(named).use { it.inbox.capture("thought") }
        open(named).use { altair ->
            assertEquals(listOf("thought"), altair.thoughts())
            assertEquals(named.toRealPath().resolve("store"), Path.of(altair.status().store))
        }
        fails<AltairException.Invalid> { open(folder.resolve("why?")) }
    }
}
