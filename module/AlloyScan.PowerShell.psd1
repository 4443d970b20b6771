@{
    RootModule           = 'AlloyScan.PowerShell.psm1'
    # The build stamps the version of Directory.Build.props here.
    ModuleVersion        = '0.0.0'
    GUID                 = '5b6f2b0c-6f0e-4b0b-9d55-3c1f3a7c2e91'
    Author               = 'AlloyScan.PowerShell contributors'
    CompanyName          = 'AlloyScan.PowerShell contributors'
    Copyright            = 'Copyright (c) AlloyScan.PowerShell contributors. MIT licence.'
    Description          = 'Synchronises the devices that AlloyScan discovers and audits into a CMDB: configure, rehearse, run, verify and explain synchronisation jobs. Needs PowerShell 7.4 or later (https://aka.ms/install-powershell); Windows PowerShell 5.1 is not supported.'
    CompatiblePSEditions = @('Core')
    PowerShellVersion    = '7.4'
    FormatsToProcess     = @('AlloyScan.PowerShell.Format.ps1xml')
    TypesToProcess       = @('AlloyScan.PowerShell.Types.ps1xml')
    FunctionsToExport    = @()
    AliasesToExport      = @()
    VariablesToExport    = @()
    CmdletsToExport      = @(
        'Add-AlloyScanJunkIdentifier'
        'Connect-AlloyScan'
        'Disable-AlloyScanSyncJob'
        'Disconnect-AlloyScan'
        'Enable-AlloyScanSyncJob'
        'Export-AlloyScanSyncJob'
        'Get-AlloyCmdbComputer'
        'Get-AlloyCmdbField'
        'Get-AlloyCmdbHardware'
        'Get-AlloyCmdbInstallation'
        'Get-AlloyCmdbSoftwareProduct'
        'Get-AlloyScanConflict'
        'Get-AlloyScanConnection'
        'Get-AlloyScanDevice'
        'Get-AlloyScanIdentificationRule'
        'Get-AlloyScanJunkIdentifier'
        'Get-AlloyScanLink'
        'Get-AlloyScanNotification'
        'Get-AlloyScanServiceAction'
        'Get-AlloyScanSnapshot'
        'Get-AlloyScanSoftware'
        'Get-AlloyScanSoftwareGroup'
        'Get-AlloyScanSyncChange'
        'Get-AlloyScanSyncError'
        'Get-AlloyScanSyncJob'
        'Get-AlloyScanSyncPlan'
        'Get-AlloyScanSyncRun'
        'Import-AlloyScanSyncJob'
        'Invoke-AlloyScanSync'
        'New-AlloyCmdbField'
        'New-AlloyScanIdentificationRule'
        'New-AlloyScanNotification'
        'New-AlloyScanServiceAction'
        'New-AlloyScanSyncJob'
        'Remove-AlloyCmdbField'
        'Remove-AlloyScanIdentificationRule'
        'Remove-AlloyScanJunkIdentifier'
        'Remove-AlloyScanNotification'
        'Remove-AlloyScanServiceAction'
        'Remove-AlloyScanSyncJob'
        'Reset-AlloyScanIdentificationRule'
        'Reset-AlloyScanServiceAction'
        'Resolve-AlloyScanConflict'
        'Set-AlloyCmdbComputer'
        'Set-AlloyCmdbHardware'
        'Set-AlloyScanIdentificationRule'
        'Set-AlloyScanNotification'
        'Set-AlloyScanServiceAction'
        'Set-AlloyScanSoftwareGroup'
        'Set-AlloyScanSyncJob'
        'Split-AlloyScanLink'
        'Start-AlloyScanSampleSite'
        'Stop-AlloyScanSampleSite'
        'Test-AlloyScanConnection'
        'Test-AlloyScanIdentification'
        'Test-AlloyScanNotification'
        'Test-AlloyScanSync'
        'Undo-AlloyScanSync'
    )
    PrivateData          = @{
        PSData = @{
            Tags         = @('AlloyScan', 'AlloyNavigator', 'CMDB', 'Inventory', 'ITSM', 'Synchronization', 'PSEdition_Core', 'Windows', 'Linux', 'MacOS')
            LicenseUri   = 'https://opensource.org/license/mit'
            ReleaseNotes = 'See CHANGELOG.md in the package.'
        }
    }
}
