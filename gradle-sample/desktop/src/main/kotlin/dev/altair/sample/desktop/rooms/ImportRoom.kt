package dev.altair.sample.desktop.rooms

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.layout.wrapContentWidth
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.foundation.text.input.rememberTextFieldState
import androidx.compose.foundation.text.input.setTextAndPlaceCursorAtEnd
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.ProgressBarRangeInfo
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.progressBarRangeInfo
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.altair.model.Imported
import dev.altair.model.Progress
import dev.altair.model.Skipped
import dev.altair.sample.Section
import dev.altair.sample.VaultImport
import dev.altair.sample.counted
import dev.altair.sample.desktop.LocalDesk
import dev.altair.sample.desktop.chooseFolder
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.Emphasis
import dev.altair.sample.desktop.parts.FramedField
import dev.altair.sample.desktop.parts.HorizontalLine
import dev.altair.sample.desktop.parts.TextButton
import dev.altair.sample.grouped
import kotlinx.coroutines.launch

/** Bringing a folder of Markdown in. */
@Composable
fun ImportRoom() {
    val vault = LocalDesk.current.workspace.vault
    val state by vault.state.collectAsState()
    Column(
        Modifier.fillMaxSize().background(
            Look.palette.paper,
        ).padding(horizontal = 40.dp, vertical = 32.dp).wrapContentWidth(Alignment.Start).widthIn(max = 640.dp),
        verticalArrangement = Arrangement.spacedBy(24.dp),
    ) {
        Column(verticalArrangement = Arrangement.spacedBy(4.dp)) {
            Text("Import a vault", Modifier.semantics { heading() }, style = Look.lettering.page)
            Text(
                "A folder of Markdown files, as Obsidian keeps them. Links, tags, front matter and attachments come along. " +
                    "Importing it again brings in only what has changed since.",
                style = Look.lettering.body,
                color = Look.palette.quiet,
            )
        }
        when (val shown = state) {
            VaultImport.Waiting -> ChooseVault { vault.start(it) }
            is VaultImport.Running -> RunningImport(shown.folder, shown.progress)
            is VaultImport.Finished -> FinishedImport(shown.folder, shown.imported)
        }
    }
}

@Composable
private fun ChooseVault(onStart: (String) -> Unit) {
    val field: TextFieldState = rememberTextFieldState()
    val scope = rememberCoroutineScope()
    fun start() = onStart(field.text.toString())
    Column(verticalArrangement = Arrangement.spacedBy(12.dp)) {
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            FramedField(field, "Folder", "folder", Modifier.weight(1f), "/home/you/vault", onEnter = ::start)
            TextButton("Choose…", { scope.launch { chooseFolder()?.let(field::setTextAndPlaceCursorAtEnd) } }, icon = Icons.Folder)
        }
        TextButton("Import", ::start, Modifier.testTag("import"), emphasis = Emphasis.Main, enabled = field.text.isNotBlank())
    }
}

@Composable
private fun RunningImport(folder: String, progress: Progress?) {
    val palette = Look.palette
    val fraction = progress?.takeIf { it.total > 0 }?.let { it.done.toFloat() / it.total } ?: 0f
    Column(verticalArrangement = Arrangement.spacedBy(8.dp)) {
        Text(folder, style = Look.lettering.strong)
        Box(
            Modifier
                .testTag("progress")
                .fillMaxWidth()
                .height(8.dp)
                .background(palette.line, RoundedCornerShape(4.dp))
                .semantics { progressBarRangeInfo = ProgressBarRangeInfo(fraction, 0f..1f) },
        ) {
            Box(Modifier.fillMaxWidth(fraction).fillMaxHeight().background(palette.accent, RoundedCornerShape(4.dp)))
        }
        Text(
            if (progress == null) "Looking through the folder" else "${progress.done.grouped()} of ${counted(progress.total, "file")}",
            style = Look.lettering.small,
            color = palette.quiet,
        )
    }
}

@Composable
private fun FinishedImport(folder: String, imported: Imported) {
    val workspace = LocalDesk.current.workspace
    val palette = Look.palette
    Column(verticalArrangement = Arrangement.spacedBy(16.dp)) {
        Column(
            Modifier.testTag("imported").semantics {
                liveRegion = LiveRegionMode.Polite
            },
            verticalArrangement = Arrangement.spacedBy(4.dp),
        ) {
            Text(
                "${counted(imported.notes, "note")} and ${counted(imported.attachments, "attachment")} came in",
                style = Look.lettering.title,
            )
            val rest = listOfNotNull(
                counted(imported.links, "link"),
                imported.unchanged.takeIf { it > 0 }?.let { "${it.grouped()} as before" },
                folder,
            )
            Text(rest.joinToString(" · "), style = Look.lettering.small, color = palette.quiet)
        }
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            TextButton("Open the notes", { workspace.navigation.go(Section.Notes) }, emphasis = Emphasis.Main)
            TextButton("Import another", workspace.vault::again)
        }
        if (imported.skipped.isNotEmpty()) SkippedFiles(imported.skipped)
    }
}

@Composable
private fun SkippedFiles(skipped: List<Skipped>) {
    Column {
        Text("${counted(skipped.size.toLong(), "file")} left out", Modifier.padding(bottom = 8.dp), style = Look.lettering.strong)
        LazyColumn(Modifier.testTag("skipped")) {
            items(skipped) { file ->
                HorizontalLine()
                Row(Modifier.padding(vertical = 8.dp), horizontalArrangement = Arrangement.spacedBy(16.dp)) {
                    Text(file.path, Modifier.weight(1f), style = Look.lettering.small)
                    Text(file.reason, Modifier.weight(1f), style = Look.lettering.small, color = Look.palette.quiet)
                }
            }
        }
    }
}
