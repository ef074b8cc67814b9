-- Neovim with the configuration of docs/editors.md, headless: what it shows of a spec. Each check is a line; the exit
-- status is 1 if one fails.
local spec = vim.fn.argv(0)
local failed = false

local function check(name, is_so)
  print((is_so and "ok: " or "FAILED: ") .. name .. "\n")
  failed = failed or not is_so
end

local function wait(what)
  return vim.wait(30000, what, 20)
end

local function client()
  return vim.lsp.get_clients({ bufnr = 0, name = "jailgen" })[1]
end

local function ask(method, line, character)
  local position = { line = line, character = character }
  local params = { textDocument = vim.lsp.util.make_text_document_params(0), position = position }
  params.options = { tabSize = 2, insertSpaces = true }
  local answer = client():request_sync(method, params, 30000, 0)
  return answer and answer.result
end

local function run()
  vim.cmd.edit(spec)
  check("the file's type is known", vim.bo.filetype == "jail")
  check("comments are known", vim.bo.commentstring == "# %s")
  check("the server is attached", wait(function() return client() ~= nil and client().initialized end))
  check("the error is shown", wait(function() return #vim.diagnostic.get(0) == 1 end))
  local shown = vim.diagnostic.get(0)[1]
  check("it is the right one", shown ~= nil and shown.code == "unknown-combinator")

  local hover = ask("textDocument/hover", 2, 4)
  check("the documentation is shown", hover ~= nil and hover.contents.value:find("mount%-cwd", 1) ~= nil)
  local words = ask("textDocument/completion", 3, 12)
  words = words and (words.items or words) or {}
  local labels = vim.tbl_map(function(item) return item.label end, words)
  check("words are completed", vim.tbl_contains(labels, "strict"))

  -- The fix, as `gra` applies it.
  vim.api.nvim_win_set_cursor(0, { 2, 4 })
  vim.lsp.buf.code_action({ apply = true })
  check("the fix is applied", wait(function() return vim.fn.getline(2):find("(readonly ", 1, true) ~= nil end))
  check("the error is gone", wait(function() return #vim.diagnostic.get(0) == 0 end))

  vim.lsp.buf.format({ timeout_ms = 30000 })
  check("the document is laid out", vim.fn.getline(1) == 'jail "a" pkgs.hello [')
end

local fine, fault = pcall(run)
check("no error: " .. tostring(fault), fine)
for _, each in ipairs(vim.lsp.get_clients()) do
  each:stop()
end
check("the server ends", wait(function() return #vim.lsp.get_clients() == 0 end))
vim.cmd(failed and "cquit 1" or "qall!")
