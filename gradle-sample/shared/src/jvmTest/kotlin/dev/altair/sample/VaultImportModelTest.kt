package dev.altair.sample

import dev.altair.model.Kind
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertTrue

class VaultImportModelTest {
    @Test
    fun a_folder_comes_in_with_what_was_left_out() = withWorkspace {
        val vault = File(directory.parentFile, "${directory.name}-vault")
        vault.mkdirs()
        File(vault, "Figs.md").writeText("See [[Plums]].")
        File(vault, "Plums.md").writeText("#fruit")
        File(vault, "broken.md").writeBytes(byteArrayOf(0x66, 0xC3.toByte(), 0x28))
        try {
            workspace.vault.start(vault.path).join()
            val finished = assertIs<VaultImport.Finished>(workspace.vault.state.value)
            assertTrue(finished.imported.notes >= 2)
            assertEquals(setOf("Figs", "Plums"), altair.notes.list().items.map { it.title }.toSet() intersect setOf("Figs", "Plums"))
            workspace.vault.again()
            assertEquals(VaultImport.Waiting, workspace.vault.state.value)
        } finally {
            vault.deleteRecursively()
        }
    }

    @Test
    fun a_folder_that_is_not_there_is_stated() = withWorkspace {
        workspace.vault.start(File(directory, "no such folder").path).join()
        assertEquals(VaultImport.Waiting, workspace.vault.state.value)
        assertEquals(Statement.Tone.Trouble, workspace.statements.current.value?.tone)
        assertEquals(null, altair.status().counts[Kind.Note]?.takeIf { it > 0 })
    }
}
