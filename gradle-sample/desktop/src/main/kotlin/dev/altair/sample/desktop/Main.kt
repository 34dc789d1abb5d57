package dev.altair.sample.desktop

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.setValue
import androidx.compose.ui.graphics.vector.rememberVectorPainter
import androidx.compose.ui.window.Window
import androidx.compose.ui.window.WindowPlacement
import androidx.compose.ui.window.application
import androidx.compose.ui.window.rememberWindowState
import dev.altair.sample.AppModel
import dev.altair.sample.desktop.look.Icons
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.swing.Swing
import java.awt.Dimension

/** Opens the window on a store: `[STORE]`, `$ALTAIR_HOME` or the usual one. */
fun main(arguments: Array<String>) {
    val folder = storeFolder(arguments.toList(), System.getenv(), System.getProperty("os.name"), System.getProperty("user.home"))
    val model = AppModel(folder.toString(), Dispatchers.Swing)
    val memory = WindowMemory()
    application {
        val scope = rememberCoroutineScope()
        val keys = remember { KeyRelay() }
        val state = rememberWindowState(
            placement = if (memory.maximized) WindowPlacement.Maximized else WindowPlacement.Floating,
            size = memory.size,
        )
        val system = isSystemInDarkTheme()
        var chosen by remember { mutableStateOf(memory.dark) }
        val dark = chosen ?: system
        var leaving by remember { mutableStateOf(false) }
        fun leave() {
            if (leaving) return
            leaving = true
            memory.maximized = state.placement == WindowPlacement.Maximized
            if (state.placement == WindowPlacement.Floating) memory.size = state.size
            scope.launch {
                var closed = true
                try {
                    closed = model.close()
                } finally {
                    leaving = false
                    if (closed) exitApplication()
                }
            }
        }
        Window(
            onCloseRequest = ::leave,
            state = state,
            title = "Altair",
            icon = rememberVectorPainter(Icons.App),
            onKeyEvent = keys::press,
        ) {
            LaunchedEffect(Unit) { window.minimumSize = Dimension(LEAST_WIDTH, LEAST_HEIGHT) }
            App(
                model,
                dark,
                onToggleDark = {
                    chosen = !dark
                    memory.dark = chosen.takeIf { it != system }
                },
                keys,
            )
        }
    }
}

private const val LEAST_WIDTH = 900
private const val LEAST_HEIGHT = 560
