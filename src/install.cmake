# cmake --install: the program, its service, its user, its manual page, its completion, its documents.
# With the default prefix the unit and the user go where systemd looks for them; a package sets CMAKE_INSTALL_PREFIX=/usr.
# SPDX-License-Identifier: Apache-2.0
include(GNUInstallDirs)

set(packaging ${CMAKE_SOURCE_DIR}/packaging)
install(TARGETS jackdaw RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# The unit names the program where it is installed, which `cmake --install --prefix` may say.
install(CODE "set(packaging \"${packaging}\")\nset(made \"${CMAKE_BINARY_DIR}/jackdaw.service\")")
install(CODE [[
  file(READ ${packaging}/jackdaw.service unit)
  string(REPLACE "/usr/" "${CMAKE_INSTALL_PREFIX}/" unit "${unit}")
  file(WRITE ${made} "${unit}")
]])
install(FILES ${CMAKE_BINARY_DIR}/jackdaw.service DESTINATION lib/systemd/system)
install(FILES ${packaging}/sysusers.d/jackdaw.conf DESTINATION lib/sysusers.d)
install(FILES ${packaging}/tmpfiles.d/jackdaw.conf DESTINATION lib/tmpfiles.d)
install(FILES ${packaging}/jackdaw.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${packaging}/jackdaw.bash RENAME jackdaw DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/jackdaw.doap DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
foreach(document README.md CHANGELOG.md ARCHITECTURE.md)
  install(FILES ${CMAKE_SOURCE_DIR}/${document} DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
endforeach()
