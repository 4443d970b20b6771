# Windows PowerShell parses this file too, so it keeps to the old syntax until it has said what is missing.
if ($PSVersionTable.PSVersion -lt [version]'7.4') {
    throw "AlloyScan.PowerShell needs PowerShell 7.4 or later; this is $($PSVersionTable.PSVersion). Install it with 'winget install Microsoft.PowerShell' or from https://aka.ms/install-powershell, and start 'pwsh'."
}

$bin = [System.IO.Path]::Combine($PSScriptRoot, 'bin', 'net8.0')

# The loader is the only assembly in PowerShell's own load context. It stays for the life of the process.
if (-not ('AlloyScan.PowerShell.Loader.LoadContext' -as [type])) {
    $null = [System.Reflection.Assembly]::LoadFrom([System.IO.Path]::Combine($bin, 'AlloyScan.PowerShell.Loader.dll'))
}

$assembly = ('AlloyScan.PowerShell.Loader.LoadContext' -as [type])::Initialize($bin)
$inner = Microsoft.PowerShell.Core\Import-Module -Assembly $assembly -PassThru

# On a second import PowerShell finds the assembly's module in its cache and exports nothing from it:
# https://github.com/PowerShell/PowerShell/issues/20710
$addExportedCmdlet = [System.Management.Automation.PSModuleInfo].GetMethod('AddExportedCmdlet', [System.Reflection.BindingFlags]'Instance, NonPublic')
if ($addExportedCmdlet) {
    foreach ($cmdlet in $inner.ExportedCmdlets.Values) {
        $null = $addExportedCmdlet.Invoke($ExecutionContext.SessionState.Module, @(, $cmdlet))
    }
}
